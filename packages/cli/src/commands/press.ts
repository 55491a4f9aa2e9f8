import { verifyPress } from '@tp/compare'
import { press } from '@tp/compiler'
import { amountRules } from '@tp/core/host'
import { throwIfAborted } from '@tp/core/runtime'
import { outputsOf, stageModel } from '@tp/data/files'
import { decodeModel } from '@tp/onnx'
import { boundedProcess, boundsFor } from '@tp/runtime-node/bounded'
import { countOptions, pruningOptions } from '../arguments/pruning-options.ts'
import { planOf, readCount, readSettings } from '../arguments/read-fields.ts'
import { usageError } from '../arguments/usage-error.ts'
import { endable } from '../context/endable.ts'
import { readModelFile } from '../model/model-file.ts'
import { naming } from '../model/refusal-error.ts'
import { findMethod, loadMethods } from '../plugins/load-methods.ts'
import { jsonDocument } from '../printing/document.ts'
import { megabytes } from '../printing/numbers.ts'
import { type Command, command } from './command.ts'
import { EXIT } from './exit-code.ts'

const options = {
  out: { type: 'string', short: 'o', value: 'OUT', description: 'the file to write; never the model itself' },
  method: { type: 'string', value: 'NAME', description: 'the pruning method, which sees keys and values alone' },
  ...countOptions,
  param: pruningOptions.param,
  plugin: pruningOptions.plugin,
  verify: {
    type: 'boolean',
    description: 'run the press before it is written, on random caches of two examples, alone and in a batch',
  },
  json: { type: 'boolean', description: 'print one JSON document' },
} as const

export const pressCommand: Command = command({
  options,
  notes: [
    'OUT runs once, between a prompt and the generated text: it takes the caches that MODEL returns, and returns those that MODEL',
    'takes next. pressCaches of @tp/transformers does that inside generate(). An example:',
    '',
    '  tp press decoder.onnx -o press.onnx --method key-diff --keep 0.5',
  ],
  writes: ({ out }) => outputsOf({ '-o': out }, { holdsModel: true }),
  async run([path = ''], args, { print, progress, signal, files }) {
    const { out, json = false } = args
    if (out === undefined) throw usageError('-o OUT is missing: the file to write')
    if (args.method === undefined) throw usageError('--method NAME is missing, such as key-diff, key-norm or streaming')
    const amount = readCount(args)
    const entry = findMethod(await loadMethods(args.plugin), args.method)
    const plan = planOf(entry, { params: readSettings(args).params ?? {} })
    const method = entry.create(plan.params)
    const file = await endable(() => readModelFile(path, { signal, files }))
    progress.stage(`pressing the caches of ${path}`)
    const pressing = await endable(async () => naming(path, () => press(file.model, { method, amount })))
    await using staged = await stageModel(decodeModel(pressing), file, out, signal)
    if (args.verify) {
      progress.stage('verifying')
      await using process = boundedProcess(signal)
      await using session = await process.load(staged.path, { bounds: boundsFor(staged.bytes) })
      await verifyPress(session, signal)
    }
    throwIfAborted(signal, 'tp')
    await staged.commit()
    progress.end()
    const { bytes } = staged
    const report = { model: path, out, method: plan.method, params: plan.params ?? {}, amount, bytes }
    const kept = amountRules[amount.kind].kept(amount.value)
    print(
      json
        ? jsonDocument('press', report)
        : [
            `${out}  ${megabytes(bytes)}, ${plan.method}, keeps ${kept} of every cache`,
            ...(args.verify ? ['verified  the same tokens are kept of an example alone and in a batch'] : []),
          ].join('\n'),
    )
    return EXIT.done
  },
})
