"""A kernel as JupyterLab talks to it: started by REST, spoken to by websocket, one cell after the other."""

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from fde.refused import Refused
from workshop.rehearse.browser import Browser

SILENCE_SECONDS = 300  # a cell that waits for Airflow says something every 30 s


@dataclass
class Said:
    """What a cell printed, by time (seconds, monotonic), and its error, "" for none."""

    began: float = field(default_factory=time.monotonic)
    printed: list[tuple[float, str]] = field(default_factory=list)
    error: str = ""
    ended: float = 0.0

    @property
    def text(self) -> str:
        return "".join(text for _, text in self.printed)

    def between(self, words: str) -> list[float]:
        """The seconds from the cell's start to its end, cut wherever it printed these words but the first time."""
        cuts = [when for when, text in self.printed for _ in range(text.count(words))]
        marks = [self.began, *cuts[1:], self.ended]
        return [after - before for before, after in zip(marks, marks[1:], strict=False)]


class Kernel:
    """One kernel of an attendee's notebook."""

    def __init__(self, browser: Browser, number: str, socket: WebSocketClientConnection, session: str) -> None:
        self.browser, self.number, self.socket, self.session = browser, number, socket, session

    @staticmethod
    async def start(browser: Browser) -> "Kernel":
        """Open the lesson with a kernel, and wait until it answers."""
        wanted = {"path": "desk/lesson.ipynb", "name": "", "type": "notebook", "kernel": {"name": "python3"}}
        made = await browser.ask("POST", f"{browser.lab}api/sessions", json=wanted)
        number, session = str(made.json()["kernel"]["id"]), uuid.uuid4().hex
        path = f"{browser.lab}api/kernels/{number}/channels"
        at = str(browser.http.base_url.join(path)).replace("http", "ws", 1)
        headers = {"Cookie": browser.cookies(path), "Origin": str(browser.http.base_url).rstrip("/")}
        asked = HTTPRequest(f"{at}?session_id={session}", headers=headers)
        asked.connect_timeout = asked.request_timeout = SILENCE_SECONDS  # it is open when the kernel answers
        socket = await websocket_connect(asked)
        kernel = Kernel(browser, number, socket, session)
        await kernel.run("")
        return kernel

    async def run(self, code: str, hear: Callable[[str], object] = lambda text: None) -> Said:
        """Run a cell to its end. hear: is told what it prints, as it does. Raises Refused when the kernel is silent."""
        said, asked = Said(), await self._send("execute_request", {"code": code, "silent": False, "allow_stdin": False})
        open_ends = {"idle", "execute_reply"}
        while open_ends:
            message = await self._next()
            if message["parent_header"].get("msg_id") != asked:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                said.printed.append((time.monotonic(), content["text"]))
                hear(content["text"])
            elif kind == "error":
                said.error = "\n".join([f"{content['ename']}: {content['evalue']}", *content["traceback"][-1:]])
            open_ends -= {kind, content.get("execution_state")}
        said.ended = time.monotonic()
        return said

    async def interrupt(self) -> None:
        """Press the button with the square."""
        await self.browser.ask("POST", f"{self.browser.lab}api/kernels/{self.number}/interrupt")

    async def _send(self, kind: str, content: dict[str, Any]) -> str:
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": kind,
            "version": "5.3",
            "username": "",
            "session": self.session,
        }
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        await self.socket.write_message(json.dumps(message))
        return str(header["msg_id"])

    async def _next(self) -> dict[str, Any]:
        try:
            text = await asyncio.wait_for(self.socket.read_message(), SILENCE_SECONDS)
        except TimeoutError:
            raise Refused(f"the kernel has said nothing for {SILENCE_SECONDS} s") from None
        if text is None:
            raise Refused("the kernel's connection was closed: has its server ended?")
        message: dict[str, Any] = json.loads(text)
        return message
