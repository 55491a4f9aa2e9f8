import { basename } from 'node:path'
import { type QuantizeOptions, quantizeFields } from '@tp/compiler'
import { throwIfAborted } from '@tp/core/runtime'
import { sizeOfFiles } from '@tp/data'
import { saturatesOn } from '@tp/optimize'
import { nodeRuntime } from '@tp/runtime-node'
import { dataOptions, taskOption } from '../arguments/data-options.ts'
import { type Flag, flag, folderOptions, outOption, type TextOption, text, verifyOption } from '../arguments/option.ts'
import { fieldOptions } from '../arguments/pruning-options.ts'
import { readFields } from '../arguments/read-fields.ts'
import { endable } from '../context/endable.ts'
import { readModelFile } from '../model/model-file.ts'
import { writeModel } from '../model/write-model.ts'
import { describeQuantized, type PrintedQuantization } from '../printing/quantized-text.ts'
import { quantizeFile } from '../quantizing/quantize-file.ts'
import { type Command, command, millisecondsSince } from './command.ts'

/** Options for the fields of the form, by the names that they have there. */
const formOptions = fieldOptions(quantizeFields) as Readonly<
  Record<'type' | 'activations' | 'exclude', TextOption> & Record<'per-tensor' | 'reduce-range', Flag>
>

const options = {
  ...outOption,
  ...folderOptions,
  dtype: text(
    'NAME',
    'q8, int8 or uint8, for a folder; default: in place; files of this precision are written next to those in float32, under the names of transformers.js: q8 is model_quantized.onnx',
    { is: 'word', words: ['q8', 'int8', 'uint8'] },
  ),
  ...formOptions,
  ...dataOptions,
  ...taskOption,
  within: text(
    'S',
    'on --data, how close answers must be (share of equal classes or next tokens, or cosine of vectors): the nodes that move them most remain in float32',
    { is: 'share', needs: ['data'] },
  ),
  smooth: flag(
    'first scale down channels that are loud on --data; their weights are multiplied: the same answers, fewer of them moved by 8 bits',
    { needs: ['data'] },
  ),
  caches: flag(
    'quantize the caches of a decoder, not its weights: keys and values of earlier tokens; last of all, and without data',
    {
      excludes: [...Object.keys({ ...formOptions, ...dataOptions, ...taskOption }), 'within', 'smooth'],
      because: '--caches looks at no weights and no data',
    },
  ),
  ...verifyOption,
} as const

export const quantizeCommand: Command = command({
  options,
  writesFolders: true,
  notes: [
    'Products with constant weights and embedding tables become 8-bit. The range of each token is measured at every run, so that an',
    'answer does not depend on its batch; --activations tensor is quantize_dynamic of onnxruntime. A file of that keeps its 8-bit',
    'weights, and gets a range for each token. With --data the answers are compared with those of MODEL; labels are not used.',
    'Prune before or after, and pack last. Examples:',
    '',
    '  tp quantize model.onnx -o model.int8.onnx',
    '  tp quantize model.onnx -o model.int8.onnx --data texts.tsv --smooth --within 0.99',
    '',
    'tp train --quantize gives the whole speed-up, with tokens pruned by networks that learn. Caches of a decoder at a quarter of their bytes:',
    '',
    '  tp prune decoder.onnx -o last.onnx --lossless',
    '  tp quantize last.onnx -o caches.int8.onnx --caches',
  ],
  async run([path = ''], args, context) {
    const { out, data } = args
    const { progress, signal, files } = context
    if (args.caches)
      return await (await import('../quantizing/write-eight-bit-caches.ts')).quantizedCaches(
        path,
        out,
        !args['no-verify'],
        context,
      )
    const form: Required<QuantizeOptions> = { ...FORM, ...readFields(args, quantizeFields) }
    const start = performance.now()
    const file = await endable(() => readModelFile(path, { signal, files }))
    progress.stage(`quantizing ${basename(path)}`)
    const quantized = await endable(async () => quantizeFile(file, form))
    throwIfAborted(signal, 'tp')
    const compared =
      data === undefined
        ? undefined
        : await (await import('../quantizing/compare.ts')).quantizeCompared(file, { ...args, data }, form, context)
    const { model, nodes, remaining, keepsWeights } = compared ?? quantized
    const written = await writeModel({ model, file, out, verify: !args['no-verify'] }, context)
    const { bytes, dataFiles, verification } = written
    const { weightType: type, perChannel, reduceRange } = form
    const isExact = type === 'uint8' || reduceRange
    if (isExact && keepsWeights)
      progress.note('the weights were in 8 bits and stay as they are: --type and --reduce-range change nothing')
    const saturates = (keepsWeights || !isExact) && (await saturatesOn(nodeRuntime()))
    if (saturates) progress.note(`${SATURATES}${keepsWeights ? KEPT : FREE}`)
    const report: PrintedQuantization = {
      ...{ model: path, out, ...(!keepsWeights && { type, perChannel, reduceRange }) },
      ...{ activations: form.activations, keepsWeights },
      saturates,
      nodes,
      remaining,
      ...(compared && { ...compared.nearness, floats: compared.floats }),
      ...(compared && 'task' in compared && { task: compared.task, smoothed: compared.smoothed }),
      ...(verification && { verification }),
      ...{ bytes, bytesBefore: await sizeOfFiles(file), dataFiles },
      ...millisecondsSince(start),
    }
    return { content: report, text: describeQuantized(report) }
  },
})

/** Without an option. */
const FORM = Object.fromEntries(
  Object.entries(quantizeFields).map(([name, field]) => [name, field.default]),
) as Required<QuantizeOptions>

const SATURATES =
  'on this processor sums of 8-bit products saturate (x86 without VNNI), so the file answers less exactly here than on newer ones'
const KEPT =
  ', as the one that it is made of; from the float32 file, --reduce-range (7 bits) makes one that is exact on both'
const FREE = '; --reduce-range (7 bits) or --type uint8 is exact on both'
