import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** A process, as others on the same machine can tell whether it still runs. */
export interface ProcessMark {
  readonly pid: number
  /** Ticks since the system began at which it was started, where that is known: numbers of processes are given again. */
  readonly started: string | undefined
}

/** Two processes of one place can see each other: containers of one machine have numbers of their own. */
const place = createHash('sha256').update(`${hostname()} ${numberSpace()}`).digest('hex').slice(0, 8)

export const ownMark: ProcessMark = { pid: process.pid, started: startOf(process.pid) }

export function isRunning({ pid, started }: ProcessMark): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const now = startOf(pid)
  return started === undefined || now === undefined || now === started
}

/** This process, as a part of the name of a file that it alone writes. */
export const ownTag: string = `${place}-${ownMark.pid}-${ownMark.started ?? 0}`

/** Bytes of the longest tag. */
export const LONGEST_TAG: number = '01234567-4194304-18446744073709551615'.length

/** Whether the process that a tag names has ended; of another machine nothing can be known. */
export function hasEnded(tag: string): boolean {
  const [, where, pid, started] = /^([0-9a-f]{8})-(\d+)-(\d+)$/.exec(tag) ?? []
  if (where !== place) return false
  return !isRunning({ pid: Number(pid), started: started === '0' ? undefined : started })
}

/** Field 22 of Linux's /proc/PID/stat; the name before it is in brackets and may hold anything. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

function numberSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}
