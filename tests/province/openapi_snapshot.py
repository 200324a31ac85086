"""The specification on record in `openapi.json`. `make openapi` writes it anew; look at the diff, then commit."""

import json
import tempfile
from pathlib import Path
from typing import Any

from province_harness import StandInReader
from pydantic import SecretStr

from province_server.app import Stores, build
from province_server.settings import ProvinceSettings

RECORD = Path(__file__).parent / "openapi.json"


def text_of(document: dict[str, Any]) -> str:
    """Return the document as it is kept: one value a line, in a fixed order, without the version."""
    document = {**document, "info": {**document["info"], "version": "*"}}
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Write the record."""
    with tempfile.TemporaryDirectory() as folder:
        settings = ProvinceSettings(
            database_url=f"sqlite:///{folder}/identity.db",
            templates_database_url=f"sqlite:///{folder}/templates.db",
            keystore_file=Path(folder) / "keys",
            keystore_passphrase=SecretStr("correct horse"),
        )
        stores = Stores.open(settings)
        RECORD.write_text(text_of(build(settings, stores, StandInReader()).app.openapi()), "utf-8")
        stores.close()


if __name__ == "__main__":
    main()
