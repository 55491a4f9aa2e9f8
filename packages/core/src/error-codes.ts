/** A row of the page of errors. */
interface ErrorEntry {
  readonly cause: string
  readonly cure: string
  /** Exit code of `tp`; default: 1, and 4 if the error refuses a model. */
  readonly exit?: 2 | 130
}

/**
 * Every code of a `TpError`, with its cause and cure. `npm run generate` writes docs/errors.md from this list; programs do not load it.
 * Texts are Markdown, with links relative to docs/.
 */
export const errorCodes: Readonly<Record<`TP_${string}`, ErrorEntry>> = {
  TP_ABORTED: {
    cause: 'a signal ended the work',
    cure: 'run it again; add `--resume` if the command has it',
    exit: 130,
  },
  TP_AMBIGUOUS: { cause: 'a folder has several ONNX files', cure: 'name one of them' },
  TP_ATTRIBUTE: {
    cause: 'a node has an attribute that ONNX forbids or that cannot be written',
    cure: 'export the model again',
  },
  TP_AXIS: { cause: 'a method names an axis that its tensor lacks', cure: 'correct the method; axes count from 0' },
  TP_BATCH: {
    cause: 'caches of several examples, or padded ones, cannot be pressed',
    cure: 'press one example at a time',
  },
  TP_BFLOAT16: { cause: 'onnxruntime has almost no bfloat16 operators for CPUs', cure: 'export in float32 or float16' },
  TP_BODY_SIZE: { cause: 'a request exceeds the size limit', cure: 'send less, or raise `--max-body`' },
  TP_BUSY: { cause: 'too many runs are waiting', cure: 'retry later, raise `--queue-tokens`, or add servers' },
  TP_CALIBRATION: {
    cause: 'too few examples for the promise',
    cure: 'give as many as the message names, or promise less',
  },
  TP_CASCADE: {
    cause: 'the two models of a cascade differ in inputs or outputs',
    cure: 'give the dense model from which the pruned one was made',
  },
  TP_CAUSAL: {
    cause: 'a decoder without caches needs every token',
    cure: 'export it with caches ([decoders](decoders.md)); packing works',
  },
  TP_CHANGED: { cause: 'a model file changed while it was in use', cure: 'run again once the file is complete' },
  TP_CLOSED: { cause: 'the server is closing this model', cure: 'restart the server' },
  TP_CONTROL_FLOW: { cause: 'tokens enter an `If` or a `Loop`', cure: 'export without them, or as two files' },
  TP_CYCLE: {
    cause: 'a node reads its own result, or would after pruning',
    cure: 'export again; models whose layers read the embeddings again cannot be pruned',
  },
  TP_DATA: {
    cause: 'the examples are unreadable, too few, or unfit for the model',
    cure: 'the message names what is expected ([measure](measure.md))',
  },
  TP_DECODER: {
    cause: 'the command is for encoders, and this is a decoder',
    cure: 'use `tp prune --lossless`, or `tp press` for caches ([decoders](decoders.md))',
  },
  TP_DENSE: {
    cause: 'the dense model itself fails or returns infinite or undefined numbers',
    cure: 'repair or export it again',
  },
  TP_DEVICE: { cause: 'the browser has no WebGPU device', cure: 'use wasm' },
  TP_DISPOSED: { cause: 'a session was used after disposal', cure: 'load the model again' },
  TP_DIVERGED: { cause: 'the loss of a training is not a number', cure: 'lower the learning rate, or add examples' },
  TP_EMPTY: { cause: 'the graph has no nodes', cure: 'give the file of the model' },
  TP_ENCODER: {
    cause: 'a file has several encoders, or none of that name',
    cure: 'choose with `--encoder`; `tp inspect` lists them',
    exit: 2,
  },
  TP_ENCODERS: {
    cause: 'encoder and decoder share a file, or stacks of layers exchange tokens',
    cure: 'export the encoder by itself',
  },
  TP_EVALUATE: {
    cause: 'the interpreter cannot compute an expression of a method',
    cure: 'correct the operator that the message names',
  },
  TP_EXTERNAL: {
    cause: 'weights are in a data file that the model does not name',
    cure: 'export again, with the data file',
  },
  TP_EXTERNAL_DATA: {
    cause: 'files with weights are missing or unreadable here',
    cure: 'put them next to the model, or use a file that holds its weights',
  },
  TP_EXTERNAL_PATH: {
    cause: 'weights are outside the folder of the model',
    cure: 'save it again with its data file in the folder',
  },
  TP_FILES: { cause: 'a file of a pipeline is missing or not a model', cure: 'load the files as published' },
  TP_FILE_NOT_FOUND: { cause: 'a named file does not exist', cure: 'correct the path' },
  TP_FLOPS: {
    cause: 'no schedule has so few FLOPs, or they depend on the data',
    cure: 'allow more, or set a keep ratio',
    exit: 2,
  },
  TP_FOLDER: {
    cause: 'a folder holds no model, or cannot be written',
    cure: 'give a folder with an ONNX file ([folders](folders.md))',
  },
  TP_FUSED_ATTENTION: { cause: 'attention is fused in an unknown form', cure: 'prune before fusing' },
  TP_GRADIENT: {
    cause: 'an operator has no gradient',
    cure: 'train another part, or [add the rule](../CONTRIBUTING.md)',
  },
  TP_GUARD: { cause: 'a guard is invalid or belongs to another file', cure: 'run `tp calibrate` again' },
  TP_HEADS: { cause: 'the size of the heads is unknown or unsupported', cure: 'export with fixed sizes' },
  TP_IMAGE_TOKENS: {
    cause: 'the processor or vision encoder of a vision-language model has an unsupported form',
    cure: 'prune the prompt in the [decoder](decoders.md)',
  },
  TP_INPUT: {
    cause: 'inputs do not fit the model, or files do not belong together',
    cure: 'the message names the input and what it expects',
  },
  TP_INSTALL: { cause: 'a part of the program cannot be loaded', cure: 'reinstall the package that the message names' },
  TP_INTERNAL: { cause: 'a bug in this program', cure: 'report it with the message' },
  TP_LAST_TOKEN: {
    cause: 'a token is read by its position from the end',
    cure: 'fix the input size, or export with pooling inside',
  },
  TP_LAYERS: { cause: 'a named layer does not exist or is needed', cure: '`tp inspect` lists layers, from 0' },
  TP_LISTEN: {
    cause: 'the server cannot listen at this address',
    cure: 'choose another `--port`, or end the program that uses it',
  },
  TP_LOAD: { cause: 'a model of a pipeline is unreadable', cure: 'load the original model first' },
  TP_LOST: { cause: 'more than ten workers died on one shard', cure: 'add memory, or make shards smaller' },
  TP_MASK: { cause: 'no value tells which tokens are padding', cure: 'export with the attention mask as an input' },
  TP_MEDIA_TYPE: { cause: 'a request is not JSON', cure: 'send `application/json`' },
  TP_METHOD: {
    cause: 'a method throws or breaks its contract',
    cure: 'correct it; `testMethod` helps ([plugins](plugins.md))',
  },
  TP_MODEL: {
    cause: 'the function does not support the models of this pipeline',
    cure: 'use it with a decoder in one file',
  },
  TP_MODEL_FOLDER: {
    cause: 'a graph in a folder needs a shared file in another form, so it was left out',
    cure: 'give it a [folder](folders.md) of its own',
  },
  TP_MODEL_LIMIT: {
    cause: 'a model needs more memory or time than its size allows',
    cure: 'use the published file, or raise memory',
  },
  TP_MODEL_LOAD: {
    cause: 'the runtime refuses the model, or the file is truncated',
    cure: 'download or export it again; `tp doctor` checks the runtime',
  },
  TP_MONITOR: { cause: 'the model has nothing to monitor', cure: 'omit `--monitor`' },
  TP_NAME: { cause: 'a name in the graph is missing or taken twice', cure: 'export the model again' },
  TP_NODE: { cause: 'the graph does not contain this node', cure: 'correct the calling code' },
  TP_NOT_FOUND: { cause: 'the server has no such route', cure: 'see the [routes](serving.md)' },
  TP_NOT_ONNX: {
    cause: 'the file is not an ONNX model',
    cure: 'give the .onnx file; fetch Git LFS files with `git lfs pull`',
  },
  TP_NOT_WRITABLE: { cause: 'the folder of a new plugin cannot be written', cure: 'choose another path' },
  TP_NO_ATTENTION: {
    cause: 'no attention is added back to a stream of tokens, or its heads are mixed',
    cure: 'none: there are no tokens to prune',
  },
  TP_NO_CLASS_TOKEN: {
    cause: 'the method needs a class token, and the head reads none',
    cure: 'use `received-attention`, or name the position with `--set protect=0`',
  },
  TP_NO_KERNEL: { cause: 'the interpreter has no kernel for an operator', cure: 'use a runtime' },
  TP_NO_SIGNAL: {
    cause: 'the method reads the recording, but no convolution leads from it to tokens',
    cure: 'use another method',
  },
  TP_OPAQUE: { cause: 'a node that is not understood cannot be moved', cure: 'leave it in its graph' },
  TP_OPEN_FILES: { cause: 'too many files are open', cure: 'raise `ulimit -n`' },
  TP_OPSET: {
    cause: 'the opset of the model is too old',
    cure: 'export with the opset that the message names, or a newer one',
  },
  TP_OPTION: { cause: 'an option has a wrong value', cure: 'the message lists accepted values', exit: 2 },
  TP_ORDER: { cause: 'transforms are in the wrong order', cure: 'use the order in the message' },
  TP_OUTPUT: {
    cause: 'an output is missing or malformed, or a file would replace an input',
    cure: 'the message names it; choose another output file',
    exit: 2,
  },
  TP_PACK: {
    cause: 'the model is packed already, cannot be packed, or would gain nothing',
    cure: 'start from the original, or run it unpacked',
  },
  TP_PADDING: {
    cause: 'the model reads padding despite its mask',
    cure: 'prune without `drop-padding`, or export a model that counts only real tokens',
  },
  TP_PEER: { cause: 'a required package is not installed', cure: 'install the package that the message names' },
  TP_PLAN: {
    cause: 'a plan is invalid JSON, or its fields do not fit',
    cure: 'correct the field that the message names ([plans](plans.md))',
    exit: 2,
  },
  TP_PLUGIN: {
    cause: 'a plugin cannot be found, loaded or understood',
    cure: 'build it; give its path, or install it here ([plugins](plugins.md))',
  },
  TP_POOLING: {
    cause: 'pruning would change how vectors are pooled',
    cure: 'export with pooling inside; write a mean as sum of masked states over sum of mask',
  },
  TP_POSITIONS: { cause: 'positions of a decoder are not an input', cure: 'export with `position_ids`' },
  TP_POSITION_BIAS: {
    cause: 'attention scores include a term computed across tokens',
    cure: 'none: pruning would change it',
  },
  TP_PROTECT: { cause: 'protected positions are unknown or do not exist', cure: 'name others, or `auto`', exit: 2 },
  TP_PRUNED: { cause: 'the file is pruned already', cure: 'start from the original' },
  TP_QUANTIZE: {
    cause: 'nothing can be stored in 8 bits',
    cure: 'if the model is in 8 bits already, use it or start from its float32 file',
  },
  TP_QUANTIZED: { cause: '8-bit products or caches have an unknown form', cure: 'prune first, then quantize' },
  TP_QUEUE: {
    cause: 'a queue is unreachable, or asks for something else than the worker serves',
    cure: 'check the address, `--folder` and `--shards`',
  },
  TP_REPEATS: {
    cause: 'warning: a text repeats itself, and no dense encoder is loaded',
    cure: 'let `pruneModels` prune the dense model ([speech](speech.md))',
  },
  TP_REQUEST: { cause: 'a request is malformed', cure: 'the message names the field' },
  TP_RESTORE: {
    cause: 'this way to restore tokens conflicts with earlier pruning',
    cure: 'use it in the first pruning, or do not restore',
  },
  TP_RESUME: { cause: 'the saved state is of another model, data or settings', cure: 'omit `--resume`' },
  TP_RUN: { cause: 'the runtime failed in a run', cure: 'check inputs; run the dense model with `tp bench`' },
  TP_RUNTIME: {
    cause: 'a runtime is not installed, or cannot run this file',
    cure: 'install the runtime that the message names',
  },
  TP_RUNTIME_MISSING: {
    cause: 'the runtime or its binary is missing',
    cure: 'install it; in a page, serve its .wasm files',
  },
  TP_SCHEDULE: { cause: 'amounts do not fit the layers or tokens', cure: 'give one, or one for each layer', exit: 2 },
  TP_SERVE: { cause: 'a served model was removed or cannot be opened', cure: 'restore it, or start another server' },
  TP_SERVER_MISSING: { cause: '`@tp/server` is not installed', cure: 'install it together with `@tp/cli`' },
  TP_SHAPE: {
    cause: 'shapes disagree in a method, in attention with learned keys, or in an export with fixed sizes',
    cure: 'correct the method; export so that other lengths run; learned keys cannot be pruned',
  },
  TP_SHARD: { cause: 'a shard is incomplete or of another run', cure: 'run again, which repeats it' },
  TP_SHARDS: { cause: 'some shards failed', cure: 'read the reasons; run again with `--retry`' },
  TP_SIZES: {
    cause: 'the inputs do not determine the number of tokens',
    cure: 'name an input with one entry per token, or fix the size',
    exit: 2,
  },
  TP_SPATIAL_REDUCTION: { cause: 'keys and values come from a coarser grid', cure: 'none: it needs the whole grid' },
  TP_STATES: {
    cause: 'it is unclear which output holds the states of the encoder',
    cure: 'name outputs as exporters do',
  },
  TP_STORAGE: { cause: 'an object store is unreadable', cure: 'check address and credentials' },
  TP_STREAM: {
    cause: 'layers read batch × features × tokens',
    cure: 'export layers that read batch × tokens × features',
  },
  TP_TASK: { cause: 'the model is for another task', cure: 'set `--task`' },
  TP_TENSOR: { cause: 'the contents of a tensor do not fit its shape', cure: 'download or export the file again' },
  TP_TOKENIZER: {
    cause: 'tokenizer.json is missing, or does not fit the model',
    cure: 'put it next to the model, or name it',
  },
  TP_TOKEN_AXIS: { cause: 'a reshape mixes tokens with another axis', cure: 'export with a batch axis' },
  TP_TOKEN_CONCAT: {
    cause: 'tokens are joined with others after a site, or keys with learned ones',
    cure: 'prune at later layers',
  },
  TP_TOKEN_INDEX: { cause: 'tokens are read at computed positions', cure: 'fix the input size' },
  TP_TOKEN_MIXING: {
    cause: 'pooling, a convolution or weights by position mix tokens',
    cure: 'none, unless only the head does so',
  },
  TP_TOKEN_OUTPUT: {
    cause: 'an output shows tokens between layers',
    cure: 'drop it: `--set outputs=NAME` keeps others',
  },
  TP_TOO_COMPLEX: { cause: 'the file exceeds the [limits](design.md) of the compiler', cure: 'export it simplified' },
  TP_TOO_LARGE: { cause: 'a file is too large to read', cure: 'divide it' },
  TP_TOO_LONG: {
    cause: 'a text has more tokens than the model accepts',
    cure: 'shorten it, use `--truncate`, or set `max_position_embeddings` in config.json',
  },
  TP_TOO_MANY: { cause: 'a request has too many texts', cure: 'send several requests' },
  TP_TRANSFORM: {
    cause: 'a transform requires another form of model',
    cure: 'first apply the transform that the message names',
  },
  TP_TRUNCATED: { cause: 'the file is cut short', cure: 'download or copy it again' },
  TP_UNBOUND: { cause: 'an expression reads a value that nothing provides', cure: 'correct the code that builds it' },
  TP_UNKNOWN_METHOD: {
    cause: 'no method has that name',
    cure: '`tp methods` lists them; `--plugin` loads others',
    exit: 2,
  },
  TP_UNKNOWN_MODEL: { cause: 'the server has no model of that name', cure: 'use one from the message' },
  TP_UNKNOWN_SHAPE: {
    cause: 'an operator or a size is unknown',
    cure: 'export with shapes, or [tell us](../CONTRIBUTING.md)',
  },
  TP_UNSUPPORTED_OP: {
    cause: 'an operator acts along tokens or examples in an unknown way',
    cure: '[tell us](../CONTRIBUTING.md)',
  },
  TP_USAGE: {
    cause: 'a command line is incomplete or contradictory',
    cure: '`tp COMMAND --help` lists options',
    exit: 2,
  },
  TP_VALUE: { cause: 'the graph has no value of that name', cure: 'correct the name' },
  TP_VERIFY: {
    cause: 'a changed model gave wrong answers; nothing was written',
    cure: 'report it; prune other layers or use another method meanwhile',
  },
  TP_WEIGHED: { cause: 'the decoder weighs states already', cure: 'start from the original' },
  TP_WEIGHTS: {
    cause: 'learned values are missing or do not fit the method',
    cure: 'train with the command in the message',
  },
  TP_WINDOW_ATTENTION: {
    cause: 'tokens attend within windows cut by position',
    cure: 'none: one pruned token would change every window',
  },
  TP_WORKER: { cause: 'the worker that held a model is gone', cure: 'load the model again' },
  TP_WRITE: { cause: 'a file cannot be written', cure: 'check folder, rights and disk' },
}
