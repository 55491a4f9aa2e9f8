// A thread next to the one that a model's run blocks (see child.ts).
import { workerData } from 'node:worker_threads'
import type { Watch } from './protocol.ts'

/** Milliseconds; memory is filled at some gigabytes a second. */
const EVERY = 10

const { most, parent } = workerData as Watch

setInterval(() => {
  // A thread cannot end its process in another way while a run blocks the main one.
  const nobodyWaits = process.ppid !== parent
  if (nobodyWaits || process.memoryUsage.rss() > most) process.kill(process.pid, 'SIGKILL')
}, EVERY)
