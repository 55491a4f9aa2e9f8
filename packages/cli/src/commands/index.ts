import type { CommandEntry } from '../command/command.ts'

/** Every command; loaded when it is asked for, so that `tp --help` waits for none of them. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  inspect: {
    summary: 'says which layers a model has and where tokens may leave, or why they may not',
    operands: ['MODEL'],
    load: async () => (await import('./inspect.ts')).inspectCommand,
  },
  prune: {
    summary: 'writes a model that drops tokens between its layers',
    operands: ['MODEL'],
    load: async () => (await import('./prune.ts')).pruneCommand,
  },
  pack: {
    summary: 'writes a model that works on no padding, for @tp/runtime-native',
    operands: ['MODEL'],
    load: async () => (await import('./pack.ts')).packCommand,
  },
  eval: {
    summary: 'measures accuracy and speed on labelled data, pruned beside dense',
    operands: ['MODEL'],
    load: async () => (await import('./eval.ts')).evalCommand,
  },
  calibrate: {
    summary: 'finds out which answers of a pruned model to run again dense, for a promised agreement',
    operands: ['PRUNED'],
    load: async () => (await import('./calibrate.ts')).calibrateCommand,
  },
  explain: {
    summary: 'says what a model looks at in examples, and at which layer it leaves under a method',
    operands: ['MODEL'],
    load: async () => (await import('./explain.ts')).explainCommand,
  },
  bench: {
    summary: 'times a model against another, or against itself pruned, in turns',
    operands: ['MODEL'],
    load: async () => (await import('./bench.ts')).benchCommand,
  },
  train: {
    summary: 'trains a model with tokens leaving, and writes the pruned one',
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
