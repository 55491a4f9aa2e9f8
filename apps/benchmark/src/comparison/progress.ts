/** Time between two lines on pipes. */
const QUIET_MS = 15_000

/** Says how far a run is, and how long the rest will take if it goes on as before. */
export class Progress {
  readonly #start: number = performance.now()
  #shown = Number.NEGATIVE_INFINITY
  #done = 0

  show(waiting: number, what: string): void {
    this.#done += 1
    const now = performance.now()
    if (!process.stderr.isTTY && now - this.#shown < QUIET_MS) return
    this.#shown = now
    const minutes = (now - this.#start) / 60_000
    const rest = (minutes * waiting) / this.#done
    this.note(`${minutes.toFixed(1)} min, ${waiting} cells in about ${Math.ceil(rest)} min: ${what}`)
  }

  note(text: string): void {
    process.stderr.write(`${text}\n`)
  }
}
