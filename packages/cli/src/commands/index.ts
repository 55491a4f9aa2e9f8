import type { Command, CommandEntry } from './command.ts'

type Entry = readonly [name: string, operand: string, summary: string, load: () => Promise<Record<string, Command>>]

const entries: readonly Entry[] = [
  ['optimize', 'MODEL', 'finds the fastest plan within an allowed loss', () => import('./optimize.ts')],
  ['prune', 'MODEL', 'writes a model that drops tokens between its layers', () => import('./prune.ts')],
  ['quantize', 'MODEL', 'stores weights in 8 bits and computes with them', () => import('./quantize.ts')],
  ['pack', 'MODEL', 'writes a model that does no work on padding', () => import('./pack.ts')],
  ['press', 'MODEL', 'writes a model that prunes the caches of a decoder', () => import('./press.ts')],
  ['inspect', 'MODEL', 'shows where tokens can be pruned, or why they cannot', () => import('./inspect.ts')],
  ['check', 'PRUNED', 'tells whether a pruned file is faster and as accurate', () => import('./check.ts')],
  ['eval', 'MODEL', 'measures accuracy and speed on data, pruned and dense', () => import('./eval.ts')],
  ['bench', 'MODEL', 'times two models, or one model dense and pruned', () => import('./bench.ts')],
  ['explain', 'MODEL', 'shows which tokens matter and where they are pruned', () => import('./explain.ts')],
  ['train', 'MODEL', 'trains a model with its tokens pruned', () => import('./train.ts')],
  ['calibrate', 'PRUNED', 'sets when answers of a pruned model fall back', () => import('./calibrate.ts')],
  ['run', 'MODEL', 'answers every text in files, on one machine or many', () => import('./run.ts')],
  ['worker', '', 'computes shards that tp run --queue puts on a queue', () => import('./worker.ts')],
  ['serve', 'MODEL…', 'serves models over HTTP, like KServe and OpenAI', () => import('./serve.ts')],
  ['methods', '[METHOD]', 'lists the pruning methods, or the options of one', () => import('./methods.ts')],
  ['doctor', '', 'checks that this machine has everything tp needs', () => import('./doctor.ts')],
]

/** Every command, loaded on demand, so that `tp --help` waits for none of them. */
export const commands: Readonly<Record<string, CommandEntry>> = Object.fromEntries(
  entries.map(([name, operand, summary, load]): [string, CommandEntry] => [
    name,
    {
      summary,
      operands: operand === '' ? [] : [operand],
      load: async () => (await load())[`${name}Command`] as Command,
    },
  ]),
)
