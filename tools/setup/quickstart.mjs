import './node-version.mjs'

const { setUp, root } = await import('./set-up.mjs')

try {
  setUp()
  process.chdir(root)
  await import(new URL('../../apps/benchmark/dist/quickstart.js', import.meta.url).href)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
