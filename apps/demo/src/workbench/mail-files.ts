import mailModel from '@tp/models/mail/model.int8.onnx?gzip'
import mailTokenizer from '@tp/models/mail/tokenizer.json?gzip'
import { loadFile } from '../loading/load-file.ts'
import { once } from '../loading/once.ts'

/** The model and the tokenizer of the first tab, which load before the code that reads them. */
export const mailFiles: () => Promise<readonly [model: Blob, tokenizer: Blob]> = once(() =>
  Promise.all([loadFile(mailModel), loadFile(mailTokenizer)]),
)
