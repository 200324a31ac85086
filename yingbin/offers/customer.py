"""A customer as the province records him: who he is to the bank, and his profile."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from yingbin.offers.profile import Profile

GUARDIAN_AGE = 14
"""Below this age a guardian must consent (PIPL art. 31; C6)."""

Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00-\x1f<>]+$")
]

_COMPOUND = """
    欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政
    濮阳 公冶 太叔 申屠 公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 闾丘 子车 亓官 司寇 巫马
    公西 颛孙 壤驷 公良 漆雕 乐正 宰父 谷梁 拓跋 夹谷 轩辕 令狐 段干 百里 呼延 东郭 南门 羊舌
    微生 公户 公玉 公仪 梁丘 公仲 公上 公门 公山 公坚 左丘 公伯 西门 公祖 第五 公乘 贯丘 公皙
    南荣 东里 东宫 仲长 子书 子桑 即墨 达奚 褚师 纳兰 完颜 叶赫 耶律
"""
_COMPOUND_SURNAMES = frozenset(_COMPOUND.split())


class Gender(StrEnum):
    """As recorded on the identity document; never guessed from a face (C17)."""

    MALE = "male"
    FEMALE = "female"
    UNKNOWN = "unknown"


HONORIFICS: Mapping[str, tuple[str, str]] = {
    Gender.MALE: ("先生", "Mr"),
    Gender.FEMALE: ("女士", "Ms"),
    Gender.UNKNOWN: ("客户", "Customer"),
}


class CustomerRecord(BaseModel):
    """The body with which an administrator registers or updates a customer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    customer_id: Id
    full_name: Name
    gender: Gender = Gender.UNKNOWN
    birth_date: date
    tier: Literal["vip_diamond", "vip_platinum", "vip_gold", "potential"]
    home_branch_id: Id
    rm_staff_id: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)] = Field(
        default="", description="empty when no relationship manager is assigned"
    )
    opted_out_of_automated_decisions: bool = Field(default=False, description="PIPL art. 24; C10")
    profile: Profile

    @property
    def surname(self) -> str:
        """What a manager may address him by before identity is confirmed."""
        return surname_of(self.full_name)

    @property
    def honorific(self) -> tuple[str, str]:
        """Chinese and English form of address."""
        return HONORIFICS[self.gender]

    def age_on(self, day: date) -> int:
        """Completed years on `day`."""
        had_birthday = (day.month, day.day) >= (self.birth_date.month, self.birth_date.day)
        return day.year - self.birth_date.year - (not had_birthday)


def surname_of(full_name: str) -> str:
    """Return the surname: one or two characters of a Chinese name, its part before `·`, or the last Latin word."""
    name = full_name.strip()
    if not "\u3400" <= name[0] <= "\u9fff":
        return name.split()[-1]
    if "·" in name:
        return name.split("·")[0]
    return name[:2] if len(name) > 2 and name[:2] in _COMPOUND_SURNAMES else name[0]
