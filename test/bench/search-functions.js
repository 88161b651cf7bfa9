/** The functions of search.py, by the same names: their spaces, as specs write them, and the regret at a point. */

const uniform = (names, low, high) => Object.fromEntries(names.map((name) => [name, {uniform: [low, high]}]));

const hartmann = {
  weights: [1, 1.2, 3, 3.2],
  scales: [
    [10, 3, 17, 3.5, 1.7, 8],
    [0.05, 10, 17, 0.1, 8, 14],
    [3, 3.5, 1.7, 10, 17, 8],
    [17, 8, 0.05, 10, 0.1, 14],
  ],
  centres: [
    [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
    [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
    [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
    [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
  ],
};

export const functions = {
  branin: {
    space: {x: {uniform: [-5, 10]}, y: {uniform: [0, 15]}},
    regret: ({x, y}) =>
      (y - (5.1 / (4 * Math.PI ** 2)) * x ** 2 + (5 / Math.PI) * x - 6) ** 2 +
      10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) +
      10 -
      0.39788735772973816,
  },
  hartmann6: {
    space: uniform(['x0', 'x1', 'x2', 'x3', 'x4', 'x5'], 0, 1),
    regret: (point) => {
      const x = Object.values(point);
      const {weights, scales, centres} = hartmann;
      const term = (w, i) => w * Math.exp(-x.reduce((sum, v, j) => sum + scales[i][j] * (v - centres[i][j]) ** 2, 0));
      return 3.322368011415515 - weights.reduce((sum, w, i) => sum + term(w, i), 0);
    },
  },
  conditional: {
    space: {
      classifier: ['oc-svm', 'kde', 'gde'],
      rate: {log: [1e-4, 1]},
      epochs: {integer: [16, 512], log: true},
      batch: [32, 64, 128],
      nu: {uniform: [0.05, 0.9], step: 0.05, when: {classifier: 'oc-svm'}},
      gamma: {log: [1e-3, 1e3], when: {classifier: ['oc-svm', 'kde']}},
    },
    regret: ({classifier, rate, epochs, batch, nu, gamma}) => {
      let regret = (Math.log10(rate) + 1.7) ** 2 / 4 + Math.log2(epochs / 200) ** 2 / 16;
      regret += {32: 0.05, 64: 0, 128: 0.1}[batch] + {'oc-svm': 0, kde: 0.1, gde: 0.15}[classifier];
      if (nu !== undefined) regret += (nu - 0.3) ** 2;
      if (gamma !== undefined) regret += (Math.log10(gamma) - (classifier === 'oc-svm' ? 0.8 : -1)) ** 2 / 10;
      return regret;
    },
  },
  ackley: {
    space: uniform(['x0', 'x1', 'x2', 'x3'], -15, 30),
    regret: (point) => {
      const x = Object.values(point);
      const mean = (f) => x.reduce((sum, v) => sum + f(v), 0) / x.length;
      return (
        20 +
        Math.E -
        20 * Math.exp(-0.2 * Math.sqrt(mean((v) => v * v))) -
        Math.exp(mean((v) => Math.cos(2 * Math.PI * v)))
      );
    },
  },
  rosenbrock: {
    space: uniform(['x0', 'x1', 'x2', 'x3'], -5, 10),
    regret: (point) => {
      const x = Object.values(point);
      return x.slice(1).reduce((sum, b, i) => sum + 100 * (b - x[i] ** 2) ** 2 + (1 - x[i]) ** 2, 0);
    },
  },
};
