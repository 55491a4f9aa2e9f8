import { fileURLToPath } from 'node:url'
import type { PipelineFolder } from './model-folder.ts'

/** Models of images with random weights, which `make.py` makes, and the length of a side of their images. */
const sides = { clip: 32, dinov2: 56, 'depth-anything': 56 } as const

const [UNKNOWN, START, END] = ['[UNK]', '<|startoftext|>', '<|endoftext|>']
/** A text is the state of its largest number: the end's. */
const words = [UNKNOWN, START, ...'abcdefghijklmnopqrstuvwxyz ', END]
const special = [UNKNOWN, START, END].map((content) => ({ id: words.indexOf(content), content, special: true }))

/** For zero-shot-image-classification, image-feature-extraction and depth-estimation. CLIP's words are letters. */
export function addImages(folder: PipelineFolder, name: keyof typeof sides): Promise<void> {
  const file = (ending: string): string => fileURLToPath(new URL(`../models/${name}.${ending}`, import.meta.url))
  const size = { height: sides[name], width: sides[name] }
  return folder.add(name, {
    'config.json': file('json'),
    'preprocessor_config.json': {
      ...{
        image_processor_type: 'ViTImageProcessor',
        do_resize: true,
        size,
        do_rescale: true,
        rescale_factor: 1 / 255,
      },
      ...{ do_normalize: true, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] },
    },
    'onnx/model.onnx': file('onnx'),
    ...(name === 'clip' && {
      'tokenizer.json': {
        ...{ version: '1.0', normalizer: null, pre_tokenizer: null, decoder: null },
        added_tokens: special,
        post_processor: {
          type: 'TemplateProcessing',
          single: [START, 'A', END].map((id) =>
            id === 'A' ? { Sequence: { id, type_id: 0 } } : { SpecialToken: { id, type_id: 0 } },
          ),
          pair: [],
          special_tokens: Object.fromEntries(
            special.map(({ id, content }) => [content, { id: content, ids: [id], tokens: [content] }]),
          ),
        },
        model: {
          ...{ type: 'BPE', vocab: Object.fromEntries(words.map((word, id) => [word, id])), merges: [] },
          unk_token: UNKNOWN,
        },
      },
      'tokenizer_config.json': { tokenizer_class: 'CLIPTokenizer', model_max_length: 16, pad_token: END },
    }),
  })
}
