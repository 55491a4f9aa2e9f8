import { isTpError } from '@tp/core'
import { nodeRuntime } from '@tp/runtime-node'
import type { Report } from './report/section.ts'

/** Pages that are made of sections; each is loaded on request, since some need files that are not everywhere. */
const reports: Readonly<Record<string, () => Promise<Report>>> = {
  quickstart: async () => (await import('./sections/quickstart.ts')).quickstart,
  foundations: async () => (await import('./sections/foundations.ts')).foundations,
  learned: async () => (await import('./sections/learned.ts')).learned,
  guard: async () => (await import('./sections/guard.ts')).guard,
  native: async () => (await import('./sections/native.ts')).native,
  transformers: async () => (await import('./sections/transformers.ts')).transformers,
  'no-data': async () => (await import('./sections/no-data.ts')).noData,
  coverage: async () => (await import('./sections/coverage.ts')).coverage,
  fuzz: async () => (await import('./sections/fuzz.ts')).fuzz,
}

const HELP = `Measures what the documents claim.

  npm run benchmark -- [NAME] [options]

  ${Object.keys(reports).join(', ')}, with --only, --again and --trial

Without a name, or as "comparison", it is the comparison, whose options are:
`

/** Runs what the first argument names. @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  const [first] = args
  const isNamed = first !== undefined && !first.startsWith('-')
  const [name, options] = isNamed ? [first, args.slice(1)] : ['comparison', args]
  const usage = async (): Promise<string> => {
    const commands = [
      await import('./comparison/command.ts'),
      await import('./generation/command.ts'),
      await import('./chooser/command.ts'),
      await import('./outside/command.ts'),
      await import('./speech/loops.ts'),
      await import('./speech/languages.ts'),
      await import('./speech/totals.ts'),
      await import('./eight-bits/command.ts'),
    ]
    return [HELP, ...commands.map((command) => command.HELP)].join('\n')
  }
  if (options.includes('--help')) {
    process.stdout.write(await usage())
    return 0
  }
  try {
    const report = reports[name]
    if (report !== undefined) {
      const { runSections } = await import('./report/run-sections.ts')
      return await runSections(await report(), nodeRuntime(), options)
    }
    if (name === 'comparison') {
      const { compareAll } = await import('./comparison/command.ts')
      return await compareAll(nodeRuntime(), options)
    }
    if (name === 'generation') {
      const { compareGeneration } = await import('./generation/command.ts')
      return await compareGeneration(nodeRuntime(), options)
    }
    if (name === 'chooser') {
      const { judgeChooser } = await import('./chooser/command.ts')
      return await judgeChooser(nodeRuntime(), options)
    }
    if (name === 'outside') {
      const { measureOutside } = await import('./outside/command.ts')
      return await measureOutside(nodeRuntime(), options)
    }
    if (name === 'loops') {
      const { countLoops } = await import('./speech/loops.ts')
      return await countLoops(nodeRuntime(), options)
    }
    if (name === 'languages') {
      const { compareLanguages } = await import('./speech/languages.ts')
      return await compareLanguages(nodeRuntime(), options)
    }
    if (name === 'speech') {
      const { timeSpeech } = await import('./speech/totals.ts')
      return await timeSpeech(options)
    }
    if (name === 'eight-bits') {
      const { measureEightBits } = await import('./eight-bits/command.ts')
      return await measureEightBits(nodeRuntime(), options)
    }
    if (name === 'worker') {
      const { workOnCells } = await import('./comparison/cell-worker.ts')
      return await workOnCells(nodeRuntime(), options)
    }
    process.stderr.write(`There is no ${name}.\n\n${await usage()}`)
    return 2
  } catch (error) {
    const isUsage = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
    if (!isUsage && !isTpError(error)) throw error
    process.stderr.write(`${(error as Error).message}${isUsage ? `\n\n${await usage()}` : '\n'}`)
    return isUsage || (isTpError(error) && error.code === 'TP_OPTION') ? 2 : 1
  }
}
