import { readFile } from 'node:fs/promises'
import { decodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { stepsOf } from '../sections/step-cost.ts'

// A process of its own, whose memory is looked at: one form of a model, three times.
const [, , path = '', keep = '1', what = 'forward'] = process.argv
const { files, feeds } = stepsOf(decodeModel(await readFile(path)), Number(keep))
const form = what === 'step' ? 'step' : 'forward'
await using session = await nodeRuntime().load(files[form], { threads: 1 })
for (let run = 0; run < 3; run++) await session.run(feeds[form])
