import './node-version.mjs'

/**
 * Sets the workspace up, and runs a program of it.
 * @param {string} path from the root; exports `main`, which takes the arguments and returns the exit code
 * @param {readonly string[]} args
 */
export async function runProgram(path, args) {
  const { setUp, root } = await import('./set-up.mjs')
  try {
    setUp()
    process.chdir(root)
    const { main } = await import(new URL(`../../${path}`, import.meta.url).href)
    process.exitCode = await main(args)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}
