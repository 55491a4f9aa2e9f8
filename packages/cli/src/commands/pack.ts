import { basename } from 'node:path'
import { pack, transform } from '@tp/compiler'
import { folderOptions, outOption, verifyOption } from '../arguments/option.ts'
import { endable } from '../context/endable.ts'
import { readModelFile } from '../model/model-file.ts'
import { writeModel } from '../model/write-model.ts'
import { nativeModule } from '../plugins/open-runtime.ts'
import { lines } from '../printing/lines.ts'
import { megabytes } from '../printing/numbers.ts'
import { verificationText } from '../printing/verification-text.ts'
import { type Command, command, millisecondsSince } from './command.ts'

export const packCommand: Command = command({
  options: {
    ...outOption,
    ...folderOptions,
    ...verifyOption,
  },
  writesFolders: true,
  notes: [
    'A packed file joins the tokens of all examples of a batch, so that padding costs nothing. It runs in onnxruntime, in',
    'any language and in browsers; @tp/runtime-native has faster kernels. OpenVINO and onnxruntime-genai cannot read it. In',
    '8 bits its own operators do the rounding, so images gain, too. Prune and quantize first, then pack. An example:',
    '',
    '  tp pack pruned.onnx -o packed.onnx',
  ],
  async run([path = ''], { out, 'no-verify': unverified = false }, context) {
    const { progress, signal, files } = context
    const start = performance.now()
    const file = await endable(() => readModelFile(path, { signal, files }))
    progress.stage(`packing ${basename(path)}`)
    const { model, reports } = await endable(() => transform(file.model, pack()))
    const [{ attentions, rounded }] = reports
    const verify = !unverified
    const written = await writeModel({ model, file, out, verify, ...(verify && { native: nativeModule() }) }, context)
    const { bytes, verification } = written
    const isOrAre = attentions === 1 ? 'attention is' : 'attentions are'
    const work = [
      attentions === 0 && 'attention is padded, all else is packed',
      attentions !== undefined && attentions > 0 && `${attentions} ${isOrAre} packed`,
      rounded > 0 && `${rounded} values are rounded by one operator each`,
    ]
    return {
      content: { model: path, out, attentions, rounded, ...written, ...millisecondsSince(start) },
      text: lines(
        `wrote ${out} (${megabytes(bytes)}): ${work.filter(Boolean).join(', ')}; runs in any onnxruntime`,
        verificationText(verification),
      ),
    }
  },
})
