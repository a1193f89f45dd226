// The program that the self-check debugs in Node: one breakpoint, one line of output.
let sum = 0;
for (let round = 1; round <= 3; round += 1) {
  sum += round;
}
const answer = sum * 7; // stop here
console.log(`answer ${answer}`);
