"""A scripted city for the tablet page, with drawn people and invented offers.

`python tests/services/showcase.py` writes docs/tablet.png, docs/tablet-en.png and docs/tablet-portrait.png.
"""

import asyncio
import base64
import contextlib
import io
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from browsing import browser
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import Browser, Page

import pad_client.pages
import yingbin.assets
from yingbin.feed_wire import Avoid
from yingbin.ids import new_id, now_ms
from yingbin.pad_wire import (
    AnswerInsight,
    Beat,
    Card,
    CardMessage,
    ConfirmIdentity,
    Hello,
    Money,
    Offer,
    OutcomeStored,
    PadRefused,
    Portrait,
    ReportOutcome,
    Sighting,
    Welcome,
    decode_from_pad,
    encode,
)
from yingbin.portrait_wire import PortraitPage

CSP = "default-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:"
TOKEN = "token-of-li"
STAFF = "rm-0417"


def drawn_photo(hair: str, coat: str, wall: str) -> str:
    """Return a drawn person in a drawn lobby as base64 JPEG, 640 x 480."""
    picture = Image.new("RGB", (640, 480), wall)
    draw = ImageDraw.Draw(picture)
    for x in range(-40, 640, 130):
        draw.rectangle((x, 0, x + 100, 300), fill="#dfe9ea", outline="#b9c6c6", width=4)
    draw.rectangle((0, 300, 640, 480), fill="#c9bda8")
    draw.ellipse((40, 150, 110, 220), fill="#b8bfc2")
    draw.rounded_rectangle((20, 215, 130, 480), 40, fill="#a6aeb3")
    picture = picture.filter(ImageFilter.GaussianBlur(7))  # the lobby and everybody else: blurred
    draw = ImageDraw.Draw(picture)
    draw.ellipse((230, 40, 410, 250), fill=hair)
    draw.rounded_rectangle((180, 270, 460, 520), 90, fill=coat)
    draw.rectangle((290, 225, 350, 300), fill="#dcab88")
    draw.ellipse((248, 80, 392, 262), fill="#edc4a3")
    draw.pieslice((240, 48, 400, 210), 180, 360, fill=hair)
    for x in (286, 342):
        draw.ellipse((x, 160, x + 13, 174), fill="#33261f")
    draw.arc((292, 188, 350, 232), 20, 160, fill="#9c5a4a", width=6)
    draw.polygon([(320, 300), (285, 280), (262, 300), (320, 360), (378, 300), (355, 280)], fill="#f4f4f0")
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=82)
    return base64.b64encode(data.getvalue()).decode()


OFFERS = (
    Offer(
        "td_3y", "三年期大额存单", "3-year certificate of deposit",
        "活期占比长期偏高，已闲置 90 天以上（核心系统，2026-05-31）",
        "High share of demand deposits, idle for over 90 days (core system, 2026-05-31)",
        "您有一笔资金放在活期有一阵子了，换成大额存单利息会高不少，也能随时转让。",
        "Some of your money has sat in a demand account for a while; a certificate earns more and can be transferred.",
    ),
    Offer(
        "etc_card", "ETC 信用卡", "ETC credit card",
        "有车贷，尚未办理 ETC（信贷系统，2026-05-30）", "Car loan, no ETC card yet (loan system, 2026-05-30)",
        "您开车过高速，用这张卡通行费有折扣。", "If you use motorways, this card gives a discount on tolls.",
    ),
    Offer(
        "mobile_bank", "手机银行", "Mobile banking",
        "尚未开通手机银行（渠道系统，2026-05-31）", "Mobile banking not opened yet (channels, 2026-05-31)",
        "两分钟就能开通，以后转账不用排队。", "It takes two minutes, and transfers need no queue any more.",
    ),
)  # fmt: skip
AVOID = (
    Avoid("consumer_loan", "收入资料不足,暂不主动推荐信贷;客户申请照常受理",
          "Income is not documented: do not raise credit; an application is handled as usual"),
)  # fmt: skip
MONEY = (
    Money("活期存款", "Demand deposit", 48_620_055, "核心系统", "2026-05-31"),
    Money("定期存款", "Time deposit", 120_000_000, "核心系统", "2026-05-31"),
    Money("车贷余额", "Car loan", -8_730_012, "信贷系统", "2026-05-30"),
)
PHOTOS = (
    drawn_photo("#2b2422", "#33506b", "#e7ecea"),
    drawn_photo("#54423a", "#7b3f46", "#e9e6df"),
    drawn_photo("#8d8d8c", "#3b4a44", "#e3e8ea"),
)


def card(card_id: str, surname: str = "陈", seconds_ago: float = 4, **change: Any) -> Card:
    """Return a card as a city would make it; `change` replaces fields."""
    seen = now_ms() - round(seconds_ago * 1000)
    sighting = Sighting(new_id(), "cam-door-1", "entrance", 12, seen)
    usual = Card(
        card_id=card_id, visit_id=f"visit-{card_id}", customer_id=f"customer-{card_id}", branch_id="b-01",
        recognised_by="city", surname=surname, honorific_zh="先生", honorific_en="Mr", tier="vip_diamond",
        from_other_city=False, personalised=True, first=sighting, last=sighting, alerted_at_ms=seen + 300,
        offers=OFFERS, avoid=AVOID, assigned_to=STAFF, state="open", photo=PHOTOS[0],
    )  # fmt: skip
    return msgspec.structs.replace(usual, **change)


class ScriptedCity:
    """Serves the page, `/v1/sessions` and `/v1/pad` on one port, keeps cards in order, and says what it is told to."""

    def __init__(self) -> None:
        self.tokens = {TOKEN}
        self.province_up = True
        self.portrait = PortraitPage(lines=MONEY)
        self.outcomes: dict[str, ReportOutcome] = {}
        self.heard: list[Any] = []
        self._cards: dict[str, CardMessage] = {}
        self._seq = 0
        self._lines: set[WebSocket] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.port}/pad/"

    def start(self) -> None:
        """Listen on the same port as before, or on a free one at first."""
        config = uvicorn.Config(self._app(), host="127.0.0.1", port=self.port, log_level="warning", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the scripted city did not start"
            time.sleep(0.01)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Go away as a crashed city does."""
        assert self._server is not None
        assert self._thread is not None
        self._server.force_exit = self._server.should_exit = True
        self._thread.join(10)

    def tell(self, told: Card, *, ring: bool = True) -> None:
        """Store a card and send it to every tablet."""
        self._seq += 1
        message = CardMessage(self._seq, ring, told)
        self._cards[told.card_id] = message
        self.say(message)

    def say(self, message: msgspec.Struct) -> None:
        """Send one message to every tablet."""
        for line in list(self._lines):
            assert self._loop is not None
            asyncio.run_coroutine_threadsafe(line.send_text(encode(message)), self._loop).result(5)

    def _app(self) -> FastAPI:
        app = FastAPI()
        app.post("/v1/sessions")(self._sign_in)
        app.websocket("/v1/pad")(self._pad)
        app.mount("/pad", StaticFiles(directory=pad_client.pages.folder(), html=True))
        app.mount("/shared", StaticFiles(directory=pad_client.pages.shared_folder()))
        app.mount("/assets", StaticFiles(directory=yingbin.assets.folder()))

        @app.middleware("http")
        async def strict(request: Request, call_next: Any) -> Response:
            reply: Response = await call_next(request)
            reply.headers["content-security-policy"] = CSP
            return reply

        return app

    async def _sign_in(self, request: Request) -> Response:
        body = await request.json()
        if body != {"staff_id": STAFF, "pin": "2468"}:
            problem = {
                "title": "not_authenticated",
                "status": 401,
                "detail": "工号或密码不对。",
                "error_id": "e-sign-in",
            }
            return JSONResponse(problem, 401, media_type="application/problem+json")
        self.tokens.add("token-new")
        return JSONResponse({"token": "token-new", "expires_at_ms": now_ms() + 3_600_000})

    async def _pad(self, line: WebSocket) -> None:
        self._loop = asyncio.get_running_loop()
        await line.accept()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            hello = decode_from_pad(await line.receive_text())
            assert isinstance(hello, Hello)
            self.heard.append(hello)
            if hello.token not in self.tokens:
                await line.send_text(encode(PadRefused("not_authenticated", "登录已过期。", "e-expired")))
                await line.close()
                return
            await line.send_text(
                encode(Welcome(STAFF, "李经理", "rm", "b-01", "城东支行", "Chengdong branch", self._seq, now_ms()))
            )
            for message in sorted(self._cards.values(), key=lambda one: one.seq):
                if message.seq > hello.last_seq:
                    await line.send_text(encode(message))
            await line.send_text(encode(Beat(now_ms(), not self.province_up)))
            self._lines.add(line)
            try:
                while True:
                    await self._answer(line, decode_from_pad(await line.receive_text()))
            finally:
                self._lines.discard(line)

    async def _answer(self, line: WebSocket, message: Any) -> None:
        self.heard.append(message)
        if isinstance(message, ReportOutcome):
            self.outcomes[message.outcome_id] = message
            await line.send_text(encode(OutcomeStored(message.outcome_id)))
        elif isinstance(message, ConfirmIdentity):
            page = self.portrait if self.province_up else PortraitPage(lines=())
            told = msgspec.structs.asdict(page)
            await line.send_text(encode(Portrait(card_id=message.card_id, available=self.province_up, **told)))
        elif isinstance(message, AnswerInsight):
            await line.send_text(encode(OutcomeStored(message.answer_id)))


def lobby(city: ScriptedCity) -> None:
    """Fill the city with a morning's arrivals; the last one rings."""
    city.tell(
        card(
            "c-1", "赵", 2500, honorific_zh="女士", honorific_en="Ms", tier="vip_gold", photo=PHOTOS[1], state="greeted"
        ),
        ring=False,
    )
    city.tell(
        card("c-2", "欧阳", 640, tier="vip_platinum", photo=PHOTOS[2], assigned_to="lobby-02", state="acknowledged"),
        ring=False,
    )
    city.tell(card("c-3", "林", 180, honorific_zh="女士", honorific_en="Ms", tier="potential", photo=""), ring=False)
    machine = Sighting(new_id(), "cam-ticket-1", "ticket_machine", 40, now_ms() - 4000)
    city.tell(card("c-4", last=machine, recognised_by="province", from_other_city=True, home_branch_zh="宁波分行"))


def open_page(city: ScriptedCity, chromium: Browser, width: int, height: int, **options: Any) -> Page:
    """Open the tablet page signed in."""
    page = chromium.new_context(viewport={"width": width, "height": height}, locale="zh-CN", **options).new_page()
    page.goto(f"{city.page}#token={TOKEN}")
    page.locator(".bar-dot[data-line=up]").wait_for()
    return page


def main() -> None:
    """Write the pictures of the README."""
    from drawn_portrait import full_page  # it builds on this module

    docs = Path(__file__).parents[2] / "docs"
    city = ScriptedCity()
    city.start()
    lobby(city)
    with browser() as chromium:
        page = open_page(city, chromium, 1280, 800)
        page.get_by_test_id("sound-hint").click()
        for language, name in (("zh", "tablet.png"), ("en", "tablet-en.png")):
            page.get_by_test_id(f"language-{language}").click()
            page.wait_for_timeout(700)
            page.screenshot(path=docs / name)
        city.portrait = full_page()
        page.get_by_test_id("language-zh").click()
        page.get_by_test_id("confirm-identity").click()
        page.get_by_test_id("portrait").wait_for()
        page.screenshot(path=docs / "tablet-portrait.png")
    city.stop()


if __name__ == "__main__":
    main()
