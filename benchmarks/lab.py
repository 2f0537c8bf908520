"""What the benchmarks share: somebody at a JupyterLab, and the memory of processes."""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

import httpx
import psutil
from pairs import ROOT
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

DASHBOARD = "\n".join(
    line for line in (ROOT / "notebooks" / "order_status_chart.py").read_text().splitlines() if not line.startswith("#")
)


class Lab:
    """A JupyterLab server: `base` is its address with a slash at the end; `http` carries cookies or a token."""

    def __init__(self, http: httpx.Client, base: str) -> None:
        self.http, self.base = http, base

    def kernel(self) -> str:
        """Start a kernel; returns its id."""
        xsrf = {
            "X-XSRFToken": next(
                (c.value or "" for c in self.http.cookies.jar if c.name == "_xsrf" and c.path in self.base), ""
            )
        }
        made = self.http.post(f"{self.base}api/kernels", headers=xsrf, json={})
        made.raise_for_status()
        return str(made.json()["id"])

    def execute(self, kernel: str, code: str) -> str:
        """Run code in a kernel and wait for its end; returns what it printed. Raises AssertionError with its error."""
        return asyncio.run(self._execute(kernel, code))

    async def _execute(self, kernel: str, code: str) -> str:
        url = f"{self.base}api/kernels/{kernel}/channels".replace("http", "ws", 1)
        cookies = "; ".join(
            f"{c.name}={c.value}"
            for c in self.http.cookies.jar
            if self.base.split("/", 3)[3].startswith(c.path.strip("/"))
        )
        headers = {"Cookie": cookies, "Origin": "/".join(self.base.split("/")[:3])}
        if "Authorization" in self.http.headers:
            headers["Authorization"] = self.http.headers["Authorization"]
        socket = await websocket_connect(HTTPRequest(url, headers=headers))
        asked = uuid.uuid4().hex
        header = {"msg_id": asked, "msg_type": "execute_request", "version": "5.3", "username": "", "session": asked}
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False, "stop_on_error": True}
        await socket.write_message(
            json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"})
        )
        said: list[str] = []
        while True:
            text = await socket.read_message()
            assert text is not None, "the kernel's socket was closed"
            message = json.loads(text)
            if message["parent_header"].get("msg_id") != asked:
                continue
            if message["msg_type"] == "stream":
                said.append(message["content"]["text"])
            assert message["msg_type"] != "error", message["content"]
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                socket.close()
                return "".join(said)


def sign_in(url: str, name: str, password: str) -> Lab:
    """Somebody signs in at the hub's form and waits for their JupyterLab."""
    http = httpx.Client(timeout=120, trust_env=False)
    page = http.get(f"{url}/hub/login").text
    xsrf = re.search(r'name="_xsrf" value="([^"]+)"', page)
    form = {"username": name, "password": password, "_xsrf": xsrf[1] if xsrf else ""}
    http.post(f"{url}/hub/login", data=form, follow_redirects=True)
    lab = Lab(http, f"{url}/user/{name}/")
    # Until the server is up the hub answers for it; then the page, not its API, leads through the sign-in.
    wait(lambda: http.get(f"{lab.base}lab", follow_redirects=True).url.path == f"/user/{name}/lab")
    return lab


def wait(ready: Callable[[], bool], seconds: float = 180) -> float:
    """Poll until ready; returns how many seconds it took."""
    start = time.monotonic()
    while True:
        try:
            if ready():
                return time.monotonic() - start
        except (httpx.HTTPError, ValueError):
            pass
        assert time.monotonic() - start < seconds, f"not ready after {seconds} s"
        time.sleep(0.1)


def pss_mib(processes: Iterable[psutil.Process]) -> float:
    """Memory of processes, shared pages divided among who shares them, in MiB (Linux)."""
    total = 0
    for process in processes:
        try:
            found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{process.pid}/smaps_rollup").read_text(), re.M)
            total += int(found[1]) if found else 0
        except OSError:
            continue
    return total / 1024
