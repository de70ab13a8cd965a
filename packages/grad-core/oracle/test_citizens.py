"""Functions of SciPy and scikit-learn on tensors, through the array API: NumPy's values, and gradients."""

import warnings
from collections.abc import Iterator
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core.errors import ConversionError, DTypeError, GradientError
from grad_core.testing import check_grads
from scipy import cluster, differentiate, integrate, ndimage, optimize, signal, special, stats
from scipy.spatial.transform import Rotation
from sklearn import config_context, decomposition, linear_model, metrics, preprocessing
from sklearn.metrics import pairwise

A = np.random.default_rng(0).uniform(0.2, 2.0, (6, 3))
B = np.random.default_rng(1).uniform(0.2, 2.0, (6, 3))
LABELS = np.array([0, 1, 0, 1, 1, 0])

# x is the tensor or array, put makes others of its kind. These carry gradients, of second order too.
WITH_GRADIENT: dict[str, Any] = {
    "cluster.vq.whiten": lambda x, put: cluster.vq.whiten(x),
    "differentiate.derivative": lambda x, put: differentiate.derivative(lambda t: t**3, x).df,
    "integrate.cubature": lambda x, put: integrate.cubature(lambda t: (t**3)[:, 0], put([0.0]), x[0, :1]).estimate,
    "integrate.cumulative_simpson": lambda x, put: integrate.cumulative_simpson(x, axis=0),
    "integrate.cumulative_trapezoid": lambda x, put: integrate.cumulative_trapezoid(x, dx=0.5, axis=0),
    "integrate.trapezoid": lambda x, put: integrate.trapezoid(x, axis=0),
    "optimize.rosen": lambda x, put: optimize.rosen(x),
    "optimize.rosen_der": lambda x, put: optimize.rosen_der(x[:, 0]),
    "special.log_softmax": lambda x, put: special.log_softmax(x, axis=1),
    "special.logsumexp": lambda x, put: special.logsumexp(x, axis=1),
    "special.rel_entr": lambda x, put: special.rel_entr(x, put(B)),
    "special.softmax": lambda x, put: special.softmax(x, axis=1),
    "special.xlogy": lambda x, put: special.xlogy(x, put(B)),
    "stats.circmean": lambda x, put: stats.circmean(x, axis=0),
    "stats.describe": lambda x, put: stats.describe(x, axis=0).variance,
    "stats.directional_stats": lambda x, put: stats.directional_stats(x).mean_direction,
    "stats.gmean": lambda x, put: stats.gmean(x, axis=0),
    "stats.hmean": lambda x, put: stats.hmean(x, axis=0),
    "stats.kurtosis": lambda x, put: stats.kurtosis(x, axis=0),
    "stats.moment": lambda x, put: stats.moment(x, 3, axis=0),
    "stats.pmean": lambda x, put: stats.pmean(x, 3, axis=0),
    "stats.sem": lambda x, put: stats.sem(x, axis=0),
    "stats.skew": lambda x, put: stats.skew(x, axis=0),
    "stats.zscore": lambda x, put: stats.zscore(x, axis=0),
    "sklearn.additive_chi2_kernel": lambda x, put: pairwise.additive_chi2_kernel(x, put(B)),
    "sklearn.cosine_similarity": lambda x, put: pairwise.cosine_similarity(x, put(B)),
    "sklearn.euclidean_distances": lambda x, put: pairwise.euclidean_distances(x, put(B)),
    "sklearn.KernelCenterer": lambda x, put: preprocessing.KernelCenterer().fit_transform(x @ x.T),
    "sklearn.laplacian_kernel": lambda x, put: pairwise.laplacian_kernel(x, put(B)),
    "sklearn.linear_kernel": lambda x, put: pairwise.linear_kernel(x, put(B)),
    "sklearn.MinMaxScaler": lambda x, put: preprocessing.MinMaxScaler().fit_transform(x),
    "sklearn.Normalizer": lambda x, put: preprocessing.Normalizer().fit_transform(x),
    "sklearn.paired_euclidean_distances": lambda x, put: pairwise.paired_euclidean_distances(x, put(B)),
    "sklearn.PCA": lambda x, put: decomposition.PCA(2, svd_solver="full").fit_transform(x),
    "sklearn.polynomial_kernel": lambda x, put: pairwise.polynomial_kernel(x, put(B)),
    "sklearn.PolynomialFeatures": lambda x, put: preprocessing.PolynomialFeatures().fit_transform(x),
    "sklearn.rbf_kernel": lambda x, put: pairwise.rbf_kernel(x, put(B)),
    "sklearn.Ridge": lambda x, put: linear_model.Ridge(solver="svd").fit(x, put(B[:, 0])).predict(x),
    "sklearn.sigmoid_kernel": lambda x, put: pairwise.sigmoid_kernel(x, put(B)),
}

# These give NumPy's values; a history they would lose, or could not follow, raises
VALUES_ONLY: dict[str, Any] = {
    "cluster.vq.vq": lambda x, put: cluster.vq.vq(x, put(B[:2]))[1],
    "ndimage.gaussian_filter": lambda x, put: ndimage.gaussian_filter(x, 1.0),
    "signal.convolve": lambda x, put: signal.convolve(x, put(B), method="direct"),
    "signal.detrend": lambda x, put: signal.detrend(x, axis=0),
    "special.erf": lambda x, put: special.erf(x),
    "special.gammaln": lambda x, put: special.gammaln(x),
    "stats.bartlett": lambda x, put: stats.bartlett(x[:, 0], x[:, 1]).statistic,
    "stats.ttest_ind": lambda x, put: stats.ttest_ind(x, put(B), axis=0).pvalue,
}

# Values too, of functions that lose a history where they must, or answer with a plain number
FURTHER_VALUES: dict[str, Any] = {
    "integrate.tanhsinh": lambda x, put: integrate.tanhsinh(lambda t: t * t, put(0 * A), x).integral,
    "stats.pearsonr": lambda x, put: stats.pearsonr(x, put(B), axis=0).statistic,
    "sklearn.accuracy_score": lambda x, put: metrics.accuracy_score(put(LABELS), put(LABELS[::-1].copy())),
    "sklearn.log_loss": lambda x, put: metrics.log_loss(put(LABELS), x[:, :2] / x[:, :2].sum(1)[:, None]),
    "sklearn.mean_squared_error": lambda x, put: metrics.mean_squared_error(put(B), x),
    "sklearn.StandardScaler": lambda x, put: preprocessing.StandardScaler().fit_transform(
        x
    ),  # it divides 0 by 0 on the way: NaN
    "sklearn.r2_score": lambda x, put: metrics.r2_score(put(B), x),
}
ANSWERS_WITH_A_NUMBER = ("accuracy_score", "log_loss", "mean_squared_error", "r2_score")


@pytest.fixture(autouse=True)
def dispatch() -> Iterator[None]:
    gd.set_default_dtype("float64")
    with config_context(array_api_dispatch=True), warnings.catch_warnings():
        # scikit-learn divides 0 by 0 where it begins to count, and hides that from NumPy only
        warnings.filterwarnings("ignore", "invalid value encountered in divide", RuntimeWarning)
        yield
    gd.set_default_dtype("float32")


def of_tensor(call: Any, x: Any) -> Any:
    return call(x, lambda other: gd.asarray(np.asarray(other)))


@pytest.mark.parametrize("name", [*WITH_GRADIENT, *VALUES_ONLY, *FURTHER_VALUES])
def test_values_are_those_of_arrays(name: str) -> None:
    call = {**WITH_GRADIENT, **VALUES_ONLY, **FURTHER_VALUES}[name]
    got, wanted = of_tensor(call, gd.asarray(A)), call(A, np.asarray)
    if not name.endswith(ANSWERS_WITH_A_NUMBER):
        assert isinstance(got, gd.Tensor)
        assert got.dtype == np.asarray(wanted).dtype
        got = got.numpy()
    np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", WITH_GRADIENT)
def test_gradients_of_both_orders(name: str) -> None:
    call = WITH_GRADIENT[name]
    check_grads(lambda x: of_tensor(call, x), [A], order=2, tolerance=2e-4, step=1e-5)


@pytest.mark.parametrize("name", VALUES_ONLY)
def test_a_history_is_not_lost_silently(name: str) -> None:
    with pytest.raises((ConversionError, GradientError), match=r"would lose its history|would not be differentiated"):
        of_tensor(VALUES_ONLY[name], gd.tensor(A, requires_grad=True))


def test_the_gradient_of_softmax_is_the_one_of_the_books() -> None:
    x = gd.tensor([0.5, -1.0, 2.0], dtype="float64", requires_grad=True)
    s = special.softmax(x)
    s.backward([1.0, 10.0, 100.0])
    p = s.detach().numpy()
    g = np.array([1.0, 10.0, 100.0])
    np.testing.assert_allclose(x.grad.numpy(), p * (g - (g * p).sum()), rtol=1e-12)


def test_a_rotation_is_learnt_through_scipy() -> None:
    wanted = Rotation.from_euler("xyz", [0.3, -0.2, 0.5]).as_matrix()
    q = gd.tensor([0.0, 0.0, 0.0, 1.0], dtype="float64", requires_grad=True)
    for _ in range(200):
        loss = gd.sum((Rotation.from_quat(q).as_matrix() - wanted) ** 2)
        loss.backward()
        q.data -= 0.1 * q.grad.data
        q.grad = None
    assert loss.item() < 1e-10


def test_the_gradient_of_a_kernel_is_the_one_by_hand() -> None:
    x = gd.tensor(A, requires_grad=True)
    k = pairwise.rbf_kernel(x, gd.asarray(B), gamma=1.0)
    k.sum().backward()  # of exp(-d²)
    difference = A[:, None] - B[None]
    by_hand = (-2 * difference * np.exp(-(difference**2).sum(-1))[..., None]).sum(1)
    np.testing.assert_allclose(x.grad.numpy(), by_hand, rtol=1e-9)


def test_what_is_complex_says_so() -> None:
    with pytest.raises(DTypeError, match="complex128 cannot become a tensor"):
        signal.hilbert(gd.asarray(A[:, 0]))
