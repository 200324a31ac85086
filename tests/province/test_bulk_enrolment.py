"""Bulk enrolment over HTTP: whole rows or nothing, every bad row named, recognised when it comes again."""

from bulk_lists import enrol, photos_of, report, row
from province_harness import World


def test_a_list_registers_consents_and_enrols(world: World) -> None:
    rows = [row(f"c-{n}", world.branch_a) for n in range(40)]
    job = enrol(world, rows)
    assert (job["state"], job["done"], job["counts"]) == ("done", 40, {"enrolled": 40})
    assert [line["outcome"] for line in report(world, job["job_id"])] == ["enrolled"] * 40
    customer = world.call("GET", "customers/c-7").json()
    assert customer["templates"] == 1
    assert customer["consents"] == ["central_storage", "vip_service"]
    assert world.found("c-7") == "c-7"
    again = enrol(world, rows)
    assert again["counts"] == {"already": 40}
    assert world.call("GET", "customers/c-7").json()["templates"] == 1


def test_every_bad_row_is_named_and_leaves_nobody_half_enrolled(world: World) -> None:
    good = row("good", world.branch_a)
    bad = {
        "bad_photo_name": row("b-1", world.branch_a, photo="../../etc/passwd"),
        "photo_missing": row("b-2", world.branch_a),
        "no_face": row("b-3", world.branch_a),
        "invalid_input": row("b-4", "no-such-branch"),
        "consent_missing": row("b-5", world.branch_a, evidence_central_storage=""),
        "guardian_missing": row("b-6", world.branch_a, birth_date="2020-01-01"),
        "unknown_gallery": row("b-7", world.branch_a, gallery="police"),
        "record_contradictory": row("b-8", world.branch_a, time_deposit_maturing_fen="5"),
        "record_out_of_range": row("b-9", world.branch_a, mortgage_fen="-5"),
        "possible_duplicate": row("b-10", world.branch_a, photo="good.jpg"),
        "bad_consent": row("b-11", world.branch_a, evidence_vip_service="<script>"),
    }
    photos = photos_of([good, *bad.values()]) | {"b-3.jpg": b""}
    photos = {name: content for name, content in photos.items() if name not in {"b-2.jpg", "../../etc/passwd"}}
    photos["good.jpg"] = b"good"
    job = enrol(world, [good, *bad.values(), good], photos)
    lines = report(world, job["job_id"])
    assert [line["code"] for line in lines] == ["", *bad, "duplicate_customer"]
    assert all(line["text_zh"] and line["text_en"] for line in lines[1:])
    for line in lines[1:-1]:
        assert world.call("GET", f"customers/{line['customer_id']}").status_code == 404, line
    assert job["counts"] == {"enrolled": 1, "refused": 12}


def test_a_dry_run_checks_everything_and_writes_nothing(world: World) -> None:
    rows = [row("c-1", world.branch_a), row("c-2", "nowhere"), row("c-3", world.branch_a, photo="c-1.jpg")]
    job = enrol(world, rows, {"c-1.jpg": b"c-1", "c-2.jpg": b"c-2"}, dry_run=True)
    assert [line["code"] for line in report(world, job["job_id"])] == ["", "invalid_input", "possible_duplicate"]
    assert world.call("GET", "customers").json()["items"] == []
    assert world.found("c-1") is None
    assert enrol(world, rows[:1])["counts"] == {"enrolled": 1}
