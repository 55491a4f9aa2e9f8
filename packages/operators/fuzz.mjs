// Fuzzes the operators of packed files: npm run fuzz -- [OPERATOR …] [--cases 50000] [--seed 1] [--guided SECONDS]
//
// Cases are constructed: nodes and inputs that fit together, and then spoilt up to five times. `--guided` lets libFuzzer (Clang)
// choose them by what code they reach. Exits with 1 at the first report of a sanitizer, wrong result, sound case that is refused,
// or case that takes over 10 s, and says which case it was.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildFuzzer, environment, findCompiler, fuzz, operators } from './fuzz/build.mjs'

const { values, positionals } = parseArgs({
  options: {
    cases: { type: 'string', default: '50000' },
    seed: { type: 'string', default: '1' },
    guided: { type: 'string' },
  },
  allowPositionals: true,
})
const chosen = positionals.length > 0 ? positionals : operators
const guided = values.guided !== undefined
const found = findCompiler({ guided })
if ('reason' in found) {
  process.stderr.write(`${found.reason}\n`)
  process.exit(1)
}
const program = await buildFuzzer(found.compiler, { guided })

for (const operator of chosen) {
  if (guided) {
    const corpus = mkdtempSync(join(tmpdir(), 'tp-fuzz-'))
    const limits = [
      `-max_total_time=${values.guided}`,
      `-seed=${values.seed}`,
      '-max_len=512',
      '-timeout=10',
      '-rss_limit_mb=2048',
    ]
    const { status } = spawnSync(
      program,
      [...limits, '-print_final_stats=1', `-artifact_prefix=${tmpdir()}/`, corpus],
      {
        env: { ...environment, TP_FUZZ_OPERATOR: operator },
        stdio: 'inherit',
      },
    )
    rmSync(corpus, { recursive: true })
    if (status !== 0) process.exit(1)
    process.stdout.write(`${operator}: nothing found in ${values.guided} s\n`)
  } else {
    try {
      const one = await fuzz(program, operator, Number(values.cases), Number(values.seed))
      const refused = `${one.refusedNodes} nodes and ${one.refusedInputs} inputs refused`
      process.stdout.write(
        `${operator}: ${one.cases} cases in ${one.seconds} s, ${one.computed} computed, ${refused}\n`,
      )
    } catch (error) {
      process.stderr.write(`${error.stderr || error}\n`)
      process.exit(1)
    }
  }
}
