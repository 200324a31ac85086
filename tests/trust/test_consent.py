"""What a camera may search: role x mode x gallery x purpose, against the rule written out a second time."""

from itertools import product

import pytest

from yingbin.trust.consent import AT_A_CAMERA, SEARCHABLE, Gallery, Purpose, galleries_for
from yingbin.wire import Assessment, Camera, CameraMode, CameraRole

NOW_MS = 1_000


def camera(role: CameraRole, mode: CameraMode, assessment: Assessment | None) -> Camera:
    return Camera("cam", "branch", "box", role, mode, assessment)


def allowed(role: CameraRole, mode: CameraMode, purpose: Purpose) -> bool:
    """Return what COMPLIANCE C3 and issue 3, point 2 say, without the galleries."""
    if purpose is Purpose.VIP_SERVICE:
        return True
    return purpose is Purpose.TICKETING and role is CameraRole.TICKET_MACHINE and mode is CameraMode.FEATURE


@pytest.mark.parametrize("role", list(CameraRole))
@pytest.mark.parametrize("mode", list(CameraMode))
@pytest.mark.parametrize("purpose", list(Purpose))
def test_C3_role_x_mode_x_gallery_matrix(role: CameraRole, mode: CameraMode, purpose: Purpose) -> None:
    for assessed_role, assessed_mode, in_vip, in_potential, expires_at_ms in product(
        CameraRole, CameraMode, (False, True), (False, True), (NOW_MS, NOW_MS + 1)
    ):
        named = (*(["vip"] * in_vip), *(["potential"] * in_potential), "police")
        assessment = Assessment("pia", expires_at_ms, (assessed_role,), (assessed_mode,), named)
        covered = assessed_role is role and assessed_mode is mode and expires_at_ms > NOW_MS
        expected = [Gallery(name) for name in named if name != "police" and covered and allowed(role, mode, purpose)]
        assert list(galleries_for(camera(role, mode, assessment), purpose, NOW_MS)) == expected
    assert galleries_for(camera(role, mode, None), purpose, NOW_MS) == ()


def test_C3_every_role_is_in_the_table_and_no_purpose_but_those_of_a_camera() -> None:
    assert set(SEARCHABLE) == set(CameraRole)
    assert set().union(*SEARCHABLE.values()) == AT_A_CAMERA == {Purpose.VIP_SERVICE, Purpose.TICKETING}


@pytest.mark.parametrize("role", list(CameraRole))
@pytest.mark.parametrize("mode", list(CameraMode))
@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("named", [False, True])
def test_C3_local_recognition_must_be_assessed_too_and_is_for_feature_and_greeting_only(
    role: CameraRole, mode: CameraMode, purpose: Purpose, named: bool
) -> None:
    assessment = Assessment("pia", NOW_MS + 1, (role,), (mode,), ("vip",), local_recognition=named)
    there = camera(role, mode, assessment)
    local = Camera("cam", "branch", "box", role, mode, assessment, local_recognition=True)
    may = named and mode is CameraMode.FEATURE and purpose is Purpose.VIP_SERVICE
    assert list(galleries_for(local, purpose, NOW_MS)) == [Gallery.VIP] * may
    assert list(galleries_for(there, purpose, NOW_MS)) == [Gallery.VIP] * allowed(role, mode, purpose)
    assert galleries_for(local, purpose, NOW_MS + 1) == ()
