import './node-version.mjs'

/** Sets the workspace up, and runs a program of `apps/benchmark` in it. @param {string} name */
export async function runProgram(name) {
  const { setUp, root } = await import('./set-up.mjs')
  try {
    setUp()
    process.chdir(root)
    await import(new URL(`../../apps/benchmark/dist/${name}.js`, import.meta.url).href)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}
