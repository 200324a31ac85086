"""Suitability (金融机构产品适当性管理办法; C11): the last hard filter, after ranking, at the moment of the offer.

R1..R5 products fit customers of at least C1..C5. Without a valid assessment no investment product fits anybody.
"""

from yingbin.feed_wire import Avoid, Candidate

INVESTMENT = "investment"
"""Key of the `Avoid` lines about investment products as a whole."""
HIGHEST_RISK = 5

ASSESSMENT_INVALID = Avoid(
    INVESTMENT,
    "风险测评缺失或过期,先完成测评再谈投资产品",
    "Risk assessment missing or expired: complete it before talking about investments",
)


def assessment_valid(risk_tolerance: int, risk_valid_until_ms: int, at_ms: int) -> bool:
    """Return whether a risk assessment (tolerance 1..5; 0 for none) counts at `at_ms` (UTC milliseconds)."""
    return 1 <= risk_tolerance <= HIGHEST_RISK and at_ms < risk_valid_until_ms


def suitable(candidate: Candidate, risk_tolerance: int, risk_valid_until_ms: int, at_ms: int) -> bool:
    """Return whether `candidate` may be offered to a customer of this tolerance at `at_ms`."""
    if not candidate.investment and not candidate.risk_level:
        return True
    if not 1 <= candidate.risk_level <= HIGHEST_RISK:
        return False
    valid = assessment_valid(risk_tolerance, risk_valid_until_ms, at_ms)
    return valid and candidate.risk_level <= risk_tolerance


def suitability_notes(risk_tolerance: int, risk_valid_until_ms: int, at_ms: int) -> tuple[Avoid, ...]:
    """Return what a manager must not raise with this customer for reasons of suitability."""
    if not assessment_valid(risk_tolerance, risk_valid_until_ms, at_ms):
        return (ASSESSMENT_INVALID,)
    if risk_tolerance == HIGHEST_RISK:
        return ()
    above = risk_tolerance + 1
    levels = f"R{above}" if above == HIGHEST_RISK else f"R{above}—R{HIGHEST_RISK}"
    return (
        Avoid(
            INVESTMENT,
            f"{levels}产品风险等级高于客户承受能力,不主动推荐",
            f"Products rated {levels} exceed the customer's risk tolerance: do not raise them",
        ),
    )
