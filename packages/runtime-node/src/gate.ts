/**
 * A word shared by a thread and its worker. Ending a worker inside onnxruntime aborts the whole process, so the worker
 * enters only through the gate, and a process that exits closes it and waits until the worker is out.
 */
export type Gate = Int32Array

const open = 0
const inside = 1
const closed = 2

export function createGate(): Gate {
  return new Int32Array(new SharedArrayBuffer(4))
}

/** Worker: runs `task` unless the gate was closed; then it never returns, since the process is about to end. */
export async function passGate<T>(gate: Gate, task: () => Promise<T>): Promise<T> {
  if (Atomics.compareExchange(gate, 0, open, inside) === closed) return new Promise<never>(() => {})
  try {
    return await task()
  } finally {
    Atomics.store(gate, 0, open)
    Atomics.notify(gate, 0)
  }
}

/** Blocks this thread until the worker is outside of onnxruntime; it will not enter again. */
export function closeGate(gate: Gate): void {
  while (Atomics.compareExchange(gate, 0, open, closed) === inside) Atomics.wait(gate, 0, inside)
}
