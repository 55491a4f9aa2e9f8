// A worker as a process of its own, which a test can kill.
import { runWorker } from '@tp/bulk'

const [queue, folder, lostAfter] = process.argv.slice(2)
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
// The test is gone.
process.stdin.on('end', () => process.exit()).resume()
await runWorker({ queue, folder, threads: 1, lostAfter: Number(lostAfter), signal: stop.signal })
process.exit()
