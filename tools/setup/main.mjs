import './node-version.mjs'

const { setUp } = await import('./set-up.mjs')

try {
  setUp()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
