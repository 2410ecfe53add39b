"""A closed loop of requests from a process of its own, and the CPU that others spend meanwhile."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import psutil


@dataclass(frozen=True)
class Figures:
    """Milliseconds, requests per second, CPU milliseconds per request, MiB."""

    p50: float
    p95: float
    rate: float
    cpu_gateway: float
    cpu_server: float
    memory: float


def measure(run: Callable[..., list[float]], arguments: tuple[Any, ...], ours: int | None, server: int) -> Figures:
    """Run a loop in another process; `ours` and `server` are the roots of the process trees that are watched."""
    before, before_server = cpu(ours), cpu(server)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        times, seconds, own = pool.apply(_timed, (run, arguments))
    spent = cpu(ours) - before if ours else own
    times.sort()
    count = len(times)
    return Figures(
        1000 * times[count // 2],
        1000 * times[int(count * 0.95)],
        count / seconds,
        1000 * spent / count,
        1000 * (cpu(server) - before_server) / count,
        memory(ours),
    )


def _timed(run: Callable[..., list[float]], arguments: tuple[Any, ...]) -> tuple[list[float], float, float]:
    started, cpu_before = time.perf_counter(), time.process_time()
    times = run(*arguments)
    return times, time.perf_counter() - started, time.process_time() - cpu_before


def http(base: str, paths: Sequence[str], authorization: str, concurrency: int, count: int) -> list[float]:
    """GET the paths in turn, `count` times in all; seconds of each."""
    return asyncio.run(_http(base, paths, authorization, concurrency, count))


async def _http(base: str, paths: Sequence[str], authorization: str, concurrency: int, count: int) -> list[float]:
    times: list[float] = []
    numbers = iter(range(count))

    async def worker(session: aiohttp.ClientSession) -> None:
        for number in numbers:
            started = time.perf_counter()
            async with session.get(base + paths[number % len(paths)]) as answer:
                await answer.read()
                assert answer.status == 200, await answer.text()
            times.append(time.perf_counter() - started)

    async with aiohttp.ClientSession(headers={"authorization": authorization}) as session:
        await asyncio.gather(*(worker(session) for _ in range(concurrency)))
    return times


def cpu(root: int | None) -> float:
    """CPU seconds of a process tree, children that ended included."""
    if root is None:
        return 0.0
    total = 0.0
    for process in _tree(root):
        try:
            spent = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += spent.user + spent.system + spent.children_user + spent.children_system
    return total


def memory(root: int | None) -> float:
    """Private MiB of a process tree, less what belongs to the database."""
    if root is None:
        return 0.0
    return sum(p.memory_full_info().uss for p in _tree(root) if "postgres" not in p.name()) / 2**20


def _tree(root: int) -> list[psutil.Process]:
    parent = psutil.Process(root)
    return [parent, *parent.children(recursive=True)]
