import { type ExpectedStage, type JobProgress, jobProgress, type StageProgress } from '@tp/metrics/progress'
import { cutTo, terminalColumns, UNBOUNDED } from './terminal.ts'

/** Says on stderr what a long command is at. */
export interface ProgressDisplay {
  /**
   * How many stages the whole job has, as far as its bar is concerned, or what is known of each; without it each stage has a bar of
   * its own. How much time is left is shown only where that is known of the whole job.
   * @param goesOn the job has begun, and more is known of its stages
   */
  expect?(stages: number | readonly ExpectedStage[], goesOn?: boolean): void
  /**
   * A new stage begins; `index` says which of those that are expected, from 0, where they do not simply follow each other, `resumedAt` what
   * of it was done before.
   */
  stage(text: string, index?: number, resumedAt?: number): void
  /** How far the stage is, which may be inside of one of the things that are counted; and what it shows. */
  step(done: number, total: number, detail?: string): void
  /** A permanent note. */
  note(text: string): void
  /** Clears the line. */
  end(): void
}

interface TextStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** Milliseconds between two drawings of the line. */
const OFTEN = 100
const BAR = 16

/** A terminal gets one line that is rewritten; anything else, such as a log, one plain line a stage. */
export function progressTo(stream: TextStream, now: () => number = () => performance.now()): ProgressDisplay {
  return stream.isTTY === true ? onTerminal(stream, now) : inLines(stream)
}

function inLines(stream: TextStream): ProgressDisplay {
  const said = new Set<string>()
  const line = (text: string): void => void stream.write(`${text}\n`)
  return {
    expect: (_, goesOn = false) => {
      if (!goesOn) said.clear()
    },
    stage(text) {
      // Stages may alternate.
      if (!said.has(text)) line(`${text} …`)
      said.add(text)
    },
    step: () => {},
    note: line,
    end: () => said.clear(),
  }
}

/** One bar for the whole job, with its rate and the time left; never longer than the terminal is wide. */
function onTerminal(stream: TextStream, now: () => number): ProgressDisplay {
  const job = jobProgress(now)
  let shown = 0
  let timer: NodeJS.Timeout | undefined
  const clear = '\r\x1b[K'
  const draw = (): void => {
    const stage = job.current()
    if (stage === undefined) return
    shown = now()
    const columns = terminalColumns(stream)
    // A line that fills its row would be wrapped by some terminals.
    stream.write(clear + cutTo(lineOf(job, stage), columns === UNBOUNDED ? columns : columns - 1))
  }
  return {
    expect: job.expect,
    stage(text, index, resumedAt) {
      job.stage(text, index, resumedAt)
      // Work that takes long without a step shows that it goes on.
      timer ??= setInterval(draw, 1000).unref()
      draw()
    },
    step(done, total, detail) {
      job.step(done, total, detail)
      if (done >= total || now() - shown >= OFTEN) draw()
    },
    note(text) {
      stream.write(`${clear}${text}\n`)
      draw()
    },
    end() {
      clearInterval(timer)
      timer = undefined
      job.end()
      stream.write(clear)
    },
  }
}

function lineOf(job: JobProgress, stage: StageProgress): string {
  const whole = job.share()
  const facts = factsOf(stage)
  if (whole === undefined)
    return [`${stage.text} …${stage.seconds >= 2 ? ` ${spanText(stage.seconds)}` : ''}`, ...facts].join(', ')
  const filled = Math.round(BAR * whole)
  const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${`${Math.floor(100 * whole)}`.padStart(3)} %`
  return [`${bar}  ${stage.text}`, ...facts].join(', ')
}

/** Count, rate, time left of the whole job where it is known, and the detail of the last step. */
function factsOf({ done, total, rate, secondsLeft, detail }: StageProgress): string[] {
  return [
    ...(total > 0 ? [`${Math.floor(done)} of ${total}`] : []),
    ...(rate === undefined ? [] : [rateText(rate)]),
    ...(secondsLeft === undefined || secondsLeft < 0.5 ? [] : [`${spanText(secondsLeft)} left`]),
    ...(detail === undefined ? [] : [detail]),
  ]
}

function rateText(bySecond: number): string {
  if (bySecond >= 1) return `${bySecond >= 10 ? Math.round(bySecond) : bySecond.toFixed(1)}/s`
  return `${(60 * bySecond).toFixed(1)}/min`
}

/** `12 s`, `3 min`, `1 h 20 min` */
function spanText(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** A model, or several one after another, on as many examples in all. */
export function evaluation(examples: number): ExpectedStage {
  return { work: examples, kind: 'evaluation' }
}

/** Models in turns on some of the examples, for a time that is known. */
export function timing(examples: number, milliseconds: number): ExpectedStage {
  return { work: examples, kind: 'timing', seconds: milliseconds / 1000 }
}
