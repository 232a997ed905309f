#include <opencv2/calib3d.hpp>

#include <algorithm>
#include <exception>
#include <string>

#define I2P_API extern "C" __attribute__((visibility("default")))

namespace {
thread_local std::string last_error;
}

// What went wrong in this thread's last call.
I2P_API const char* i2p_cv_last_error() { return last_error.c_str(); }

// cv::solvePnP. Points are packed x y z and x y, the camera matrix is row-major; rotation and translation are three
// numbers each, read where guess is not 0, and written. 0, or 1 and a message for i2p_cv_last_error.
I2P_API int i2p_cv_solve_pnp(const float* object, int object_count, const float* image, int image_count,
                             const double* camera, const double* distortion, int distortion_count,
                             double* rotation, double* translation, int guess, int method) {
  try {
    const cv::Mat object_points(object_count, 1, CV_32FC3, const_cast<float*>(object));
    const cv::Mat image_points(image_count, 1, CV_32FC2, const_cast<float*>(image));
    const cv::Mat matrix(3, 3, CV_64F, const_cast<double*>(camera));
    const cv::Mat coefficients =
        distortion_count > 0 ? cv::Mat(distortion_count, 1, CV_64F, const_cast<double*>(distortion)) : cv::Mat();
    cv::Vec3d r(rotation), t(translation);
    cv::solvePnP(object_points, image_points, matrix, coefficients, r, t, guess != 0, method);
    std::copy_n(r.val, 3, rotation);
    std::copy_n(t.val, 3, translation);
    return 0;
  } catch (const std::exception& error) {
    last_error = error.what();
  } catch (...) {
    last_error = "unknown native error";
  }
  return 1;
}
