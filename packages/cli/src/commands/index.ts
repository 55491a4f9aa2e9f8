import type { CommandEntry } from './command.ts'

/** Every command, loaded on demand, so that `tp --help` waits for none of them. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  optimize: {
    summary: 'finds the fastest pruning within an allowed loss',
    operands: ['MODEL'],
    load: async () => (await import('./optimize.ts')).optimizeCommand,
  },
  prune: {
    summary: 'writes a model that drops tokens between its layers',
    operands: ['MODEL'],
    load: async () => (await import('./prune.ts')).pruneCommand,
  },
  quantize: {
    summary: 'stores weights in 8 bits and computes with them',
    operands: ['MODEL'],
    load: async () => (await import('./quantize.ts')).quantizeCommand,
  },
  pack: {
    summary: 'writes a model that does no work on padding',
    operands: ['MODEL'],
    load: async () => (await import('./pack.ts')).packCommand,
  },
  press: {
    summary: 'writes a model that prunes the caches of a decoder',
    operands: ['MODEL'],
    load: async () => (await import('./press.ts')).pressCommand,
  },
  inspect: {
    summary: 'shows where tokens can be pruned, or why they cannot',
    operands: ['MODEL'],
    load: async () => (await import('./inspect.ts')).inspectCommand,
  },
  check: {
    summary: 'tells whether a pruned file is faster and as accurate',
    operands: ['PRUNED'],
    load: async () => (await import('./check.ts')).checkCommand,
  },
  eval: {
    summary: 'measures accuracy and speed on data, pruned and dense',
    operands: ['MODEL'],
    load: async () => (await import('./eval.ts')).evalCommand,
  },
  bench: {
    summary: 'times two models, or one model dense and pruned',
    operands: ['MODEL'],
    load: async () => (await import('./bench.ts')).benchCommand,
  },
  explain: {
    summary: 'shows which tokens matter and where they are pruned',
    operands: ['MODEL'],
    load: async () => (await import('./explain.ts')).explainCommand,
  },
  train: {
    summary: 'trains a model with its tokens pruned',
    operands: ['MODEL'],
    load: async () => (await import('./train.ts')).trainCommand,
  },
  calibrate: {
    summary: 'sets when answers of a pruned model fall back',
    operands: ['PRUNED'],
    load: async () => (await import('./calibrate.ts')).calibrateCommand,
  },
  run: {
    summary: 'answers every text in files, on one machine or many',
    operands: ['MODEL'],
    load: async () => (await import('./run.ts')).runCommand,
  },
  worker: {
    summary: 'computes shards that tp run --queue puts on a queue',
    operands: [],
    load: async () => (await import('./worker.ts')).workerCommand,
  },
  serve: {
    summary: 'serves models over HTTP, like KServe and OpenAI',
    operands: ['MODEL…'],
    load: async () => (await import('./serve.ts')).serveCommand,
  },
  methods: {
    summary: 'lists the pruning methods with their options',
    operands: [],
    load: async () => (await import('./methods.ts')).methodsCommand,
  },
  doctor: {
    summary: 'checks that this machine has everything tp needs',
    operands: [],
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
}
