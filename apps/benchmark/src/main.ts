import { isTpError } from '@tp/core'
import { nodeRuntime } from '@tp/runtime-node'

const HELP = `Measures what the documents claim.

  npm run quickstart                       a few methods on the embedded models, in a minute and a half
  npm run benchmark -- outside [options]   published models on public suites; writes docs/results/evidence.jsonl
  npm run benchmark -- --help              this text
`

/** Runs the command that the first argument names. @returns the exit code */
export async function main([name, ...options]: readonly string[]): Promise<number> {
  const outside = await import('./outside/command.ts')
  const usage = `${HELP}\n${outside.HELP}`
  if (name === undefined || [name, ...options].includes('--help')) {
    process.stdout.write(usage)
    return 0
  }
  try {
    if (name === 'quickstart') {
      await (await import('./quickstart/quickstart.ts')).quickstart(nodeRuntime())
      return 0
    }
    if (name === 'outside') return await outside.measureOutside(nodeRuntime(), options)
    process.stderr.write(`There is no ${name}.\n\n${usage}`)
    return 2
  } catch (error) {
    const isUsage = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
    if (!isUsage && !isTpError(error)) throw error
    process.stderr.write(`${(error as Error).message}${isUsage ? `\n\n${usage}` : '\n'}`)
    return isUsage || (isTpError(error) && error.code === 'TP_OPTION') ? 2 : 1
  }
}
