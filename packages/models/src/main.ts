import { ExampleError } from './example-error.ts'
import { exampleNames, writeExample } from './write-example.ts'

const [name = '', folder, ...others] = process.argv.slice(2)
const found = exampleNames.find((each) => each === name)
if (found === undefined || folder === undefined || others.length > 0) {
  console.error(`Usage: tp-models ${exampleNames.join('|')} FOLDER
Writes a small model and real examples for it into a folder, to try tp with.`)
  process.exitCode = 2
} else {
  try {
    const { model, examples, test, count } = writeExample(found, folder)
    console.log(`${model}  the model, with its tokenizer.json and config.json
${examples}  ${count} texts with their classes, which it was not trained on
${test}  others, to check what was chosen by the first
next  ${process.env.npm_command === 'exec' ? 'npx ' : ''}tp optimize ${model} --data ${examples} --max-loss 1`)
  } catch (error) {
    if (!(error instanceof ExampleError)) throw error
    console.error(`${error.message}\ncode: ${error.code}`)
    process.exitCode = 1
  }
}
