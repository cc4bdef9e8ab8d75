"""What this processor can do at most, measured, and the time that no program can go below.

Two small programs of LLVM text: independent fused multiply-adds in registers, and a pass that reads
and writes an array. A step needs at least its matrix products at the first speed, or its bytes at
the second, whichever is longer; that share of the measured time is the roofline share.

Source: Williams, Waterman and Patterson, "Roofline: an insightful visual performance model for
multicore architectures", CACM 52, 2009.
"""

import time
from dataclasses import dataclass

import numpy as np

from benchmarks.peer import Peer
from benchmarks.workloads import Workload
from steepest.compiler.machine.engine import machine_code
from steepest.compiler.machine.executable import NativeFunction
from steepest.compiler.machine.processor import processor, vector_lanes
from steepest.compiler.run.team import Team

__all__ = ["Roofline", "measure_roofline", "multiply_adds", "share"]

ACCUMULATORS = 10  # two units, four cycles of latency: at least eight
SIZES = [1 << 14, 1 << 18, 1 << 21, 1 << 26]  # bytes of an array: first cache … main memory
REPEATS, TRAFFIC = 5, 1 << 28
PRODUCTS = 50_000_000  # multiply-adds of vectors, of those in registers
LATENCY = 1.0  # microseconds: below, a step waits for results, and its share says nothing


@dataclass
class Roofline:
    """gflops: 10⁹ float32 operations per second; bandwidths: bytes per second by array size."""

    gflops: float
    bandwidths: dict[int, float]

    def floor(self, workload: Workload) -> float:
        """Microseconds that a step of the workload takes at least."""
        return self.least(workload.products(), workload.moved())

    def least(self, products: int, moved: int) -> float:
        """Microseconds that so many multiply-adds, and so many bytes, take at least."""
        fitting = [size for size in self.bandwidths if size >= moved / 2]
        bandwidth = self.bandwidths[min(fitting, default=max(self.bandwidths))]
        return max(2 * products / (self.gflops * 1e3), moved / bandwidth * 1e6)

    def __str__(self) -> str:
        places = ", ".join(
            f"{bandwidth / 1e9:.0f} GB/s in {size >> 10} KB"
            for size, bandwidth in self.bandwidths.items()
        )
        return f"{self.gflops:.0f} GFLOP/s, read and written: {places}"


def share(floor: float, microseconds: float) -> str:
    """The roofline share of a measured time, as text."""
    return "latency-bound" if microseconds < LATENCY else f"{floor / microseconds:.0%}"


def measure_roofline() -> Roofline:
    """Measure both limits on one core."""
    features = processor().features
    lanes = vector_lanes(features)
    products, stream = (
        NativeFunction(machine_code([text], features), 1, 2)
        for text in (_products(lanes), _stream(lanes))
    )
    array = np.full(lanes, 0.5, np.float32)
    count = PRODUCTS // ACCUMULATORS
    operations = 2 * lanes * ACCUMULATORS * count
    gflops = operations / _fastest(products, array, count, 1) / 1e9
    bandwidths = {}
    for size in SIZES:
        array = np.full(size // 4, 0.5, np.float32)
        vectors, passes = array.size // lanes, max(TRAFFIC // size // 2, 1)
        seconds = _fastest(stream, array, vectors, passes)
        bandwidths[size] = 2 * size * passes / seconds
    return Roofline(gflops, bandwidths)


def multiply_adds(threads: int) -> Peer:
    """Multiply-adds in registers, as many for any number of threads, which divide them."""
    features = processor().features
    lanes = vector_lanes(features)
    products = NativeFunction(machine_code([_products(lanes)], features), 1, 2)
    arrays = [np.full(lanes, 0.5, np.float32) for _ in range(threads)]
    team = Team()
    assert team.size(threads) == threads

    def part(thread: int) -> int:
        return products(arrays[thread].ctypes.data, PRODUCTS // ACCUMULATORS // threads, 1)

    def run() -> np.ndarray:
        team.run(part, threads, lambda: None)
        return arrays[0]

    return Peer(lambda: None, run)


def _fastest(function: NativeFunction, array: np.ndarray, count: int, passes: int) -> float:
    """Seconds of a call: the fastest, because a limit is asked for."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        function(array.ctypes.data, count, passes)
        times.append(time.perf_counter() - start)
    return min(times)


_COUNTING = """  %i = phi i64 [0, %entry], [%next, %loop]
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n"""


def _fma(lanes: int) -> tuple[str, str, str]:
    """The type of a vector, one of halves, and the declaration of x·y + z."""
    vector = f"<{lanes} x float>"
    half = f"{vector} <{', '.join(['float 0.5'] * lanes)}>"
    return vector, half, f"declare {vector} @llvm.fma.v{lanes}f32({vector}, {vector}, {vector})"


def _products(lanes: int) -> str:
    """x ← x · ½ + ½, n times, which stays finite."""
    vector, half, declaration = _fma(lanes)
    numbers = range(ACCUMULATORS)
    phis = "\n".join(f"  %a{k} = phi {vector} [%x, %entry], [%b{k}, %loop]" for k in numbers)
    fmas = "\n".join(
        f"  %b{k} = call {vector} @llvm.fma.v{lanes}f32({vector} %a{k}, {half}, {half})"
        for k in numbers
    )
    sums = "\n".join(
        f"  %s{k + 1} = fadd {vector} {f'%s{k}' if k else '%x'}, %b{k}" for k in numbers
    )
    return f"""
{declaration}

define i64 @run(ptr %p, i64 %n, i64 %passes) {{
entry:
  %x = load {vector}, ptr %p, align 4
  br label %loop
loop:
{phis}
{_COUNTING}
{fmas}
  br i1 %more, label %loop, label %done
done:
{sums}
  store {vector} %s{ACCUMULATORS}, ptr %p, align 4
  ret i64 %n
}}
"""


def _stream(lanes: int) -> str:
    """The same of n vectors in memory, some passes."""
    vector, half, declaration = _fma(lanes)
    return f"""
{declaration}

define i64 @run(ptr %p, i64 %n, i64 %passes) {{
entry:
  br label %pass
pass:
  %k = phi i64 [0, %entry], [%following, %passed]
  br label %loop
loop:
{_COUNTING.replace("%entry", "%pass")}
  %q = getelementptr {vector}, ptr %p, i64 %i
  %x = load {vector}, ptr %q, align 4
  %y = call {vector} @llvm.fma.v{lanes}f32({vector} %x, {half}, {half})
  store {vector} %y, ptr %q, align 4
  br i1 %more, label %loop, label %passed
passed:
  %following = add i64 %k, 1
  %again = icmp slt i64 %following, %passes
  br i1 %again, label %pass, label %done
done:
  ret i64 %n
}}
"""
