import './node-version.mjs'

/** Sets the workspace up, and runs `apps/benchmark` in it. @param {readonly string[]} args */
export async function runProgram(args) {
  const { setUp, root } = await import('./set-up.mjs')
  try {
    setUp()
    process.chdir(root)
    const { main } = await import(new URL('../../apps/benchmark/dist/main.js', import.meta.url).href)
    process.exitCode = await main(args)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}
