import type { CommandEntry } from '../command/command.ts'

/** Every command, loaded on demand, so that `tp --help` waits for none of them. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  inspect: {
    summary: 'says which layers a model has and where tokens can be pruned, or why they cannot',
    operands: ['MODEL'],
    load: async () => (await import('./inspect.ts')).inspectCommand,
  },
  prune: {
    summary: 'writes a model that drops tokens between its layers',
    operands: ['MODEL'],
    load: async () => (await import('./prune.ts')).pruneCommand,
  },
  quantize: {
    summary: 'stores weights in 8 bits, and computes with them',
    operands: ['MODEL'],
    load: async () => (await import('./quantize.ts')).quantizeCommand,
  },
  press: {
    summary: 'writes a small model that prunes the caches of a decoder, once after its prompt',
    operands: ['MODEL'],
    load: async () => (await import('./press.ts')).pressCommand,
  },
  pack: {
    summary: 'writes a model that works on no padding, for @tp/runtime-native',
    operands: ['MODEL'],
    load: async () => (await import('./pack.ts')).packCommand,
  },
  eval: {
    summary: 'measures accuracy and speed on labelled data, pruned and dense',
    operands: ['MODEL'],
    load: async () => (await import('./eval.ts')).evalCommand,
  },
  run: {
    summary: 'runs a model on all texts of files, on one machine or many',
    operands: ['MODEL'],
    load: async () => (await import('./run.ts')).runCommand,
  },
  worker: {
    summary: 'computes what tp run --queue puts on a queue',
    operands: [],
    load: async () => (await import('./worker.ts')).workerCommand,
  },
  calibrate: {
    summary: 'finds which answers of a pruned model fall back to the dense one, for a promised agreement',
    operands: ['PRUNED'],
    load: async () => (await import('./calibrate.ts')).calibrateCommand,
  },
  explain: {
    summary: 'says which tokens matter to a model, and at which layer a method prunes them',
    operands: ['MODEL'],
    load: async () => (await import('./explain.ts')).explainCommand,
  },
  bench: {
    summary: 'times a model against another, or against itself pruned',
    operands: ['MODEL'],
    load: async () => (await import('./bench.ts')).benchCommand,
  },
  train: {
    summary: 'trains a model with its tokens pruned, and writes the pruned one',
    operands: ['MODEL'],
    load: async () => (await import('./train.ts')).trainCommand,
  },
  tune: {
    summary: 'finds the fastest pruning on this device that loses no more than is allowed, and writes a plan',
    operands: ['MODEL'],
    load: async () => (await import('./tune.ts')).tuneCommand,
  },
  methods: {
    summary: 'lists the pruning methods with their options',
    operands: [],
    load: async () => (await import('./methods.ts')).methodsCommand,
  },
  doctor: {
    summary: 'checks what the command needs on this machine',
    operands: [],
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
}
