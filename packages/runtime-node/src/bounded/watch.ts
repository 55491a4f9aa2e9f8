// A thread next to the one that a model's run layers (see child.ts); it cannot end the process in another way.
import { parentPort, workerData } from 'node:worker_threads'
import { type Bounds, ENDED_BY, type WatchRequest } from './protocol.ts'

/** Milliseconds; memory is filled at some gigabytes a second. */
const EVERY = 10

const { parent } = workerData as WatchRequest
/** Of all models that were loaded; nothing is bounded before the first. */
let bounds: Bounds | undefined

parentPort?.on('message', (more: Bounds) => {
  bounds = { bytes: more.bytes + (bounds?.bytes ?? 0), seconds: more.seconds + (bounds?.seconds ?? 0) }
})

setInterval(() => {
  const nobodyWaits = process.ppid !== parent
  if (nobodyWaits || process.memoryUsage.rss() > (bounds?.bytes ?? Number.POSITIVE_INFINITY))
    process.kill(process.pid, ENDED_BY.memory)
  const { user, system } = process.cpuUsage()
  const seconds = Math.min(process.uptime(), (user + system) / 1e6)
  if (seconds > (bounds?.seconds ?? Number.POSITIVE_INFINITY)) process.kill(process.pid, ENDED_BY.time)
}, EVERY)
