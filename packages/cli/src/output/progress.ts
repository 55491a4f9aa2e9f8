/** Says on stderr what a long command is at. */
export interface ProgressDisplay {
  /** A new stage begins. */
  stage(text: string): void
  /** How far the stage is, and what it shows; where no terminal is, now and then. */
  step(done: number, total: number, detail?: string): void
  /** A permanent note. */
  note(text: string): void
  /** Clears the line. */
  end(): void
}

interface TextStream {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** Milliseconds after which something that is no terminal is told how far a stage is. */
const SELDOM = 10_000

/** A terminal gets one line that is rewritten; anything else plain lines: one a stage, and more of a long one. */
export function progressTo(stream: TextStream): ProgressDisplay {
  if (!stream.isTTY) {
    let stage = ''
    let told = 0
    const line = (text: string): void => {
      told = performance.now()
      stream.write(`${text}\n`)
    }
    return {
      stage(text) {
        stage = text
        line(`${text} …`)
      },
      step(done, total, detail) {
        if (performance.now() - told >= SELDOM) line(stepText(stage, done, total, detail))
      },
      note: line,
      end() {},
    }
  }
  let stage = ''
  let shown = 0
  const clear = '\r\x1b[K'
  return {
    stage(text) {
      stage = text
      stream.write(`${clear}${stage} …`)
    },
    step(done, total, detail) {
      const now = performance.now()
      if (done < total && now - shown < 100) return
      shown = now
      stream.write(`${clear}${stepText(stage, done, total, detail)}`)
    },
    note: (text) => void stream.write(`${clear}${text}\n`),
    end: () => void stream.write(clear),
  }
}

function stepText(stage: string, done: number, total: number, detail: string | undefined): string {
  return `${stage} … ${done} of ${total}${detail === undefined ? '' : `, ${detail}`}`
}
