/** A hook for `node --import` that prints the largest resident size and the processor time at the end. */
export const reportCost: string = `data:text/javascript,${encodeURIComponent(`process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
  process.stderr.write('peak ' + maxRSS + ' kB, processor ' + Math.round((userCPUTime + systemCPUTime) / 1000) + ' ms')
})`)}`

/** Bytes of the largest resident size that a process with the hook has said. */
export function peakOf(stderr: string): number {
  return Number(/peak (\d+) kB/.exec(stderr)?.[1]) * 1024
}
