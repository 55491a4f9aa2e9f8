import { readFileSync } from 'node:fs'
import { ENDING_SIGNALS, interruption } from './context/endable.ts'
import { progressTo } from './printing/progress.ts'
import { terminalColumns } from './printing/terminal.ts'
import { run } from './program/run.ts'
import { watchEnding, writeAtOnce } from './program/watch-ending.ts'

/** Exit code of a process that a signal ends is 128 + the signal's number. */
const signals = { SIGINT: 130, SIGTERM: 143 } as const

const args = process.argv.slice(2)
const ending = watchEnding(args)
let endedBy: keyof typeof signals | undefined
for (const signal of ENDING_SIGNALS) {
  process.on(signal, () => {
    // On the second one exit at once, without cleaning up.
    if (endedBy !== undefined) {
      ending.done(signals[signal])
      process.exit()
    }
    endedBy = signal
    interruption.abort(new Error(signal))
  })
}

function showsColors({ isTTY }: { isTTY?: boolean }): boolean {
  return isTTY === true && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb'
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
const code = await run(args, version, {
  signal: interruption.signal,
  print: (text) => void process.stdout.write(`${text}\n`),
  styled: showsColors(process.stdout),
  columns: terminalColumns(process.stdout),
  errorStyled: showsColors(process.stderr),
  errorColumns: terminalColumns(process.stderr),
  printError: (text) => (endedBy === undefined ? void process.stderr.write(`${text}\n`) : writeAtOnce(2, `${text}\n`)),
  progress: progressTo(process.stderr),
})
ending.done(endedBy === undefined ? code : signals[endedBy])
