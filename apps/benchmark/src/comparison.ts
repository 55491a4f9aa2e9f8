import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isTpError, TpError } from '@tp/core'
import { nodeRuntime } from '@tp/runtime-node'
import { compareAll } from './comparison/compare-all.ts'

const HELP = `Compares methods, budgets, models, tasks and runtimes: accuracy, speed, and what other ways to save work do.

  npm run benchmark -- [options]

  --quick          a few minutes: fewer methods, budgets and examples, and only the models of the project
  --only NAMES     of these subjects (mail, digits-vit …) or kinds (accuracy, speed, shift, trajectory), with commas between
  --again          what is asked for is measured again, though it is known
  --report         nothing is measured; the report is written of what is known
  --publish        the report is written to docs/results, too, with what the table in README.md is made of (npm run generate)
  --examples N     at most N examples of each part of the data
  --ms N           time for each comparison of times
  --out FOLDER     where results.jsonl and report.html are; default reports/benchmark, with --quick reports/benchmark-quick

A run that is broken off goes on where it was when it is started again.
`

const root = fileURLToPath(new URL('../../../', import.meta.url))

try {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      again: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      publish: { type: 'boolean', default: false },
      examples: { type: 'string' },
      ms: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) process.stdout.write(HELP)
  else {
    await compareAll({
      runtime: nodeRuntime(),
      quick: values.quick,
      only: values.only?.flatMap((names) => names.split(',')),
      again: values.again,
      measures: !values.report,
      publishes: values.publish,
      examples: numberOf('examples', values.examples),
      budgetMs: numberOf('ms', values.ms),
      folder: values.out ?? join(root, 'reports', values.quick ? 'benchmark-quick' : 'benchmark'),
    })
  }
} catch (error) {
  const usage = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  if (!usage && !isTpError(error)) throw error
  process.stderr.write(`${(error as Error).message}${usage ? `\n\n${HELP}` : '\n'}`)
  process.exitCode = usage || (isTpError(error) && error.code === 'TP_OPTION') ? 2 : 1
}

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (Number.isInteger(number) && number > 0) return number
  throw new TpError('TP_OPTION', 'benchmark', `--${name} is ${text}; give a whole number above 0`)
}
