import { compare } from './compare.js'

const mail = await (await fetch('mail.txt')).text()
document.querySelector('blockquote').append(mail)
for await (const line of compare(mail)) document.querySelector('output').append(line, '\n')
