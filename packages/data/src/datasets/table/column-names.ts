/** In order of preference: a column with the first name wins over columns with the others. */
export const LABEL_NAMES: readonly string[] = [
  'label',
  'labels',
  'class',
  'target',
  'category',
  'sentiment',
  'topic',
  'intent',
]

/** Names of text columns. A table with two of them holds pairs, or is ambiguous. */
const TEXT_NAMES: readonly string[] = [
  ...[
    'text',
    'sentence',
    'content',
    'review',
    'document',
    'comment',
    'tweet',
    'message',
    'utterance',
    'body',
    'article',
    'comment_text',
  ],
  ...['title', 'headline', 'subject', 'description', 'summary', 'abstract', 'passage', 'context', 'query'],
  ...['question', 'answer', 'premise', 'hypothesis'],
]
const NUMBERED_TEXT = /^(?:text|sentence|sent|question|string)[ _]?[12ab]$/

/** Columns that are neither. */
const INDEX_NAMES: readonly string[] = ['', 'id', 'idx', 'index', 'guid', 'uid', 'key', 'no', 'nr']

export const isText = (name: string): boolean => TEXT_NAMES.includes(name) || NUMBERED_TEXT.test(name)
export const isLabel = (name: string): boolean => LABEL_NAMES.includes(name)
export const isIndex = (name: string): boolean => INDEX_NAMES.includes(name) || /^(?:q|doc|.*[ _-])id$/.test(name)
