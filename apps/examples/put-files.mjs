// Puts what the pages read into a folder that is served: the embedded mail model, its tokenizer, and a mail.
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { modelPath } from '@tp/models'

const [folder = '.'] = process.argv.slice(2)
mkdirSync(folder, { recursive: true })
copyFileSync(modelPath('mail'), join(folder, 'model.onnx'))
copyFileSync(modelPath('mail', 'tokenizer'), join(folder, 'tokenizer.json'))
copyFileSync(fileURLToPath(new URL('mail.txt', import.meta.url)), join(folder, 'mail.txt'))
