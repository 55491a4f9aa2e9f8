// A thread next to the one that a model's run layers (see child.ts); it cannot end the process in another way.
import { workerData } from 'node:worker_threads'
import { ENDED_BY, type WatchRequest } from './protocol.ts'

/** Milliseconds; memory is filled at some gigabytes a second. */
const EVERY = 10

const { bounds, parent } = workerData as WatchRequest

setInterval(() => {
  const nobodyWaits = process.ppid !== parent
  if (nobodyWaits || process.memoryUsage.rss() > bounds.bytes) process.kill(process.pid, ENDED_BY.memory)
  const { user, system } = process.cpuUsage()
  const seconds = Math.min(process.uptime(), (user + system) / 1e6)
  if (seconds > bounds.seconds) process.kill(process.pid, ENDED_BY.time)
}, EVERY)
