// Reads "check TOKEN" or "live TOKEN" a line and answers "yes SUB" or "no WHY".
import {createInterface} from 'node:readline';

const verify = await import(process.argv[2]);
for await (const line of createInterface({input: process.stdin})) {
  const [verb, token] = line.split(' ');
  try {
    console.log('yes', (await verify[verb](token)).sub);
  } catch (error) {
    console.log('no', error.message);
  }
}
