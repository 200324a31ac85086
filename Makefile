# Two commands matter: `make demo` and `make test`. Both set up everything by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export OMP_NUM_THREADS ?= 1

.PHONY: demo test setup test-services test-long lint openapi constraints clean

demo: setup ## run the whole chain on a walk-in clip and print the tablet page's address
	@$(BIN)/yingbin demo $(ARGS)

test: setup ## everything that needs no service and no browser
	@$(BIN)/pytest -n 3 --dist worksteal --ignore tests/services -m "not services and not shared and not long" $(ARGS)

setup: ## .venv with everything, model pack pulled; repeats in a second
	@$(PYTHON) deploy/setup.py --venv $(VENV)

test-services: ## PostgreSQL, Chromium; a missing service fails
	@$(PYTHON) deploy/setup.py --venv $(VENV) --services
	@$(BIN)/pytest -m "services and not long" tests/services $(ARGS)

test-shared: setup ## accuracy checks on the data sets beside the checkout
	@$(BIN)/pytest --ignore tests/services -m shared $(ARGS)

test-long: setup ## soaks, fuzzing, a million customers: minutes to hours; needs PostgreSQL
	@$(PYTHON) deploy/setup.py --venv $(VENV) --services
	@$(BIN)/pytest --ignore tests/services -m long --timeout 7200 $(ARGS)

lint: setup ## style, types, import rules
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

openapi: setup ## write tests/province/openapi.json, the record of the province's API, anew
	@cd tests/province && ../../$(BIN)/python openapi_snapshot.py

constraints: ## re-pin every package (needs uv)
	uv pip compile pyproject.toml --extra test --extra plot --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --upgrade -o deploy/constraints/base.txt
	uv pip compile pyproject.toml --extra test --extra plot --extra services --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header -c deploy/constraints/base.txt -o deploy/constraints/services.txt

clean:
	rm -rf $(VENV) build *.egg-info
