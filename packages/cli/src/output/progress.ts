/** Says on stderr what a long command is at. */
export interface ProgressDisplay {
  /** A new stage begins. */
  stage(text: string): void
  /** How far the stage is, and what it shows; on terminals only. */
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

/** A terminal gets one line that is rewritten; anything else one plain line a stage. */
export function progressTo(stream: TextStream): ProgressDisplay {
  if (!stream.isTTY) {
    const line = (text: string): void => void stream.write(`${text}\n`)
    return { stage: (text) => line(`${text} …`), step() {}, note: line, end() {} }
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
      stream.write(`${clear}${stage} … ${done} of ${total}${detail === undefined ? '' : `, ${detail}`}`)
    },
    note: (text) => void stream.write(`${clear}${text}\n`),
    end: () => void stream.write(clear),
  }
}
