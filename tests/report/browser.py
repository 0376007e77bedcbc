"""A headless Chromium that a test can click and type in, driven through its DevTools pipe.

The pipe needs neither a port nor a package: messages are JSON, each ended by a zero byte
(https://chromedevtools.github.io/devtools-protocol).
"""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

PATIENCE = 20.0
"""Seconds until something that does not come is given up."""

_KEYS = {
    "ArrowLeft": 37,
    "ArrowRight": 39,
    "ArrowUp": 38,
    "ArrowDown": 40,
    "Home": 36,
    "End": 35,
    "Tab": 9,
    "Enter": 13,
    "Space": 32,
}


_LAUNCH = """
import os, sys
reading, writing = map(int, sys.argv[1:3])
os.dup2(writing, 99)  # out of the way of 3 and 4
os.dup2(reading, 3)
os.dup2(99, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Chromium reads its pipe from descriptor 3 and writes to 4."""


class Page:
    """One open page."""

    def __init__(self, sending: int, receiving: int) -> None:
        self._sending, self._receiving, self._rest, self._count = sending, receiving, b"", 0
        self._session = ""
        self.complaints: list[str] = []
        """What the console said: errors, warnings, and scripts that threw."""

    def open(self, url: str) -> None:
        """Open the page in a new tab, and wait until it is loaded."""
        self._session = ""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and give its result."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._sending, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return dict(answer["result"])
            self._listen(answer)

    def value(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str) -> Any:
        """Wait until an expression is true; its value."""
        deadline = time.monotonic() + PATIENCE
        while not (found := self.value(expression)):
            assert time.monotonic() < deadline, f"{expression} did not become true"
            time.sleep(0.02)
        return found

    def press(self, key: str) -> None:
        """Press a key, and let it go."""
        code = _KEYS[key]
        text = {"Space": " ", "Enter": "\r"}.get(key, "")
        named = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": code}
        kind = "keyDown" if text else "rawKeyDown"
        self.call("Input.dispatchKeyEvent", type=kind, text=text, **named)
        self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    def click(self, selector: str) -> None:
        """Click in the middle of what the selector finds."""
        box = f"document.querySelector({json.dumps(selector)})"
        self.value(f"{box}.scrollIntoView({{block: 'center'}})")
        x, y = self.value(
            f"(() => {{ const b = {box}.getBoundingClientRect();"
            " return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def emulate(self, *, width: int = 0, **features: str) -> None:
        """Another width, or media features such as ``prefers_reduced_motion="reduce"``."""
        if width:
            self.call(
                "Emulation.setDeviceMetricsOverride",
                width=width,
                height=900,
                deviceScaleFactor=1,
                mobile=False,
            )
        named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", features=named)

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Save a picture, for people."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _listen(self, message: dict[str, Any]) -> None:
        said = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(said["exceptionDetails"]))
        elif message.get("method") == "Log.entryAdded":
            self.complaints.append(said["entry"]["text"])
        elif message.get("method") == "Runtime.consoleAPICalled":
            self.complaints.append(f"{said['type']}: {said['args']}")

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._receiving], [], [], PATIENCE)
            read = os.read(self._receiving, 1 << 20) if ready else b""
            assert read, "the browser is gone, or says nothing"
            self._rest += read
        first, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(first))


@contextmanager
def opened(url: str, folder: Path) -> Iterator[Page]:
    """A page in a fresh browser, which is ended with the block.

    Args:
        url: of the page.
        folder: for the browser's profile.
    """
    assert CHROMIUM is not None
    to_read, to_send = os.pipe()
    to_receive, to_write = os.pipe()
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1280,900"]
    launch = [sys.executable, "-c", _LAUNCH, str(to_read), str(to_write), CHROMIUM]
    browser = subprocess.Popen(
        [*launch, *flags, "--remote-debugging-pipe", f"--user-data-dir={folder}"],
        pass_fds=(to_read, to_write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_read)
    os.close(to_write)
    page = Page(to_send, to_receive)
    try:
        page.open(url)
        yield page
    finally:
        os.close(to_send)
        os.close(to_receive)
        browser.terminate()
        browser.wait(timeout=PATIENCE)
