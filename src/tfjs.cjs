// tfjs by `require`: `import` would first read its megabytes once more for the names they export, which costs
// every command and test 0.13 s. In the code: import tf from '#tfjs'.
const tf = require('@tensorflow/tfjs');

module.exports = tf;
