// The part of TensorFlow's C interface that the binding of @tensorflow/tfjs-node-gpu and our ops
// call, declared here because not every package of libtensorflow brings headers. The interface is
// stable (TensorFlow promises it for 2.x); checkCApi.cc compares this file with the real headers.
#ifndef EMU_KERNELS_TENSORFLOW_C_API_H_
#define EMU_KERNELS_TENSORFLOW_C_API_H_

#include <stddef.h>
#include <stdint.h>

// Name and number of each enumerator, for the definitions below and for checkCApi.cc.
#define EMU_TF_DATA_TYPES(X) \
  X(TF_FLOAT, 1)             \
  X(TF_INT32, 3)             \
  X(TF_UINT8, 4)             \
  X(TF_STRING, 7)            \
  X(TF_COMPLEX64, 8)         \
  X(TF_INT64, 9)             \
  X(TF_BOOL, 10)             \
  X(TF_RESOURCE, 20)

#define EMU_TF_CODES(X) \
  X(TF_OK, 0)           \
  X(TF_INVALID_ARGUMENT, 3)

#define EMU_TF_ATTR_TYPES(X) \
  X(TF_ATTR_STRING, 0)       \
  X(TF_ATTR_INT, 1)          \
  X(TF_ATTR_FLOAT, 2)        \
  X(TF_ATTR_BOOL, 3)         \
  X(TF_ATTR_TYPE, 4)         \
  X(TF_ATTR_SHAPE, 5)

#define EMU_TF_STRING_SIZE 24

#ifdef __cplusplus
extern "C" {
#endif

#ifndef EMU_CHECK_C_API  // the real headers define the types themselves

#define EMU_TF_ENUMERATOR(name, value) name = value,
typedef enum TF_DataType { EMU_TF_DATA_TYPES(EMU_TF_ENUMERATOR) } TF_DataType;
typedef enum TF_Code { EMU_TF_CODES(EMU_TF_ENUMERATOR) } TF_Code;
typedef enum TF_AttrType { EMU_TF_ATTR_TYPES(EMU_TF_ENUMERATOR) } TF_AttrType;
#undef EMU_TF_ENUMERATOR

typedef struct TF_Buffer TF_Buffer;
typedef struct TF_DeviceList TF_DeviceList;
typedef struct TF_Graph TF_Graph;
typedef struct TF_Operation TF_Operation;
typedef struct TF_Session TF_Session;
typedef struct TF_SessionOptions TF_SessionOptions;
typedef struct TF_Status TF_Status;
typedef struct TF_Tensor TF_Tensor;
typedef struct TFE_Context TFE_Context;
typedef struct TFE_ContextOptions TFE_ContextOptions;
typedef struct TFE_Op TFE_Op;
typedef struct TFE_TensorHandle TFE_TensorHandle;
typedef struct TF_OpDefinitionBuilder TF_OpDefinitionBuilder;
typedef struct TF_ShapeHandle TF_ShapeHandle;
typedef struct TF_ShapeInferenceContext TF_ShapeInferenceContext;
typedef struct TF_KernelBuilder TF_KernelBuilder;
typedef struct TF_OpKernelConstruction TF_OpKernelConstruction;
typedef struct TF_OpKernelContext TF_OpKernelContext;

typedef struct TF_Output {
  TF_Operation* oper;
  int index;
} TF_Output;

typedef struct TF_TString {
  uint64_t opaque[EMU_TF_STRING_SIZE / 8];
} TF_TString;

#endif  // EMU_CHECK_C_API

// Status, version
const char* TF_Version(void);
TF_Status* TF_NewStatus(void);
void TF_DeleteStatus(TF_Status* status);
void TF_SetStatus(TF_Status* status, TF_Code code, const char* message);
TF_Code TF_GetCode(const TF_Status* status);
const char* TF_Message(const TF_Status* status);

// Tensors, strings, buffers
size_t TF_DataTypeSize(TF_DataType type);
TF_Tensor* TF_NewTensor(TF_DataType type, const int64_t* dims, int num_dims, void* data,
                        size_t length, void (*deallocator)(void* data, size_t length, void* arg),
                        void* deallocator_arg);
TF_Tensor* TF_AllocateTensor(TF_DataType type, const int64_t* dims, int num_dims, size_t length);
void TF_DeleteTensor(TF_Tensor* tensor);
TF_DataType TF_TensorType(const TF_Tensor* tensor);
int TF_NumDims(const TF_Tensor* tensor);
int64_t TF_Dim(const TF_Tensor* tensor, int index);
size_t TF_TensorByteSize(const TF_Tensor* tensor);
int64_t TF_TensorElementCount(const TF_Tensor* tensor);
void* TF_TensorData(const TF_Tensor* tensor);
void TF_StringInit(TF_TString* string);
void TF_StringCopy(TF_TString* string, const char* source, size_t size);
void TF_StringDealloc(TF_TString* string);
const char* TF_StringGetDataPointer(const TF_TString* string);
size_t TF_StringGetSize(const TF_TString* string);
TF_Buffer* TF_NewBuffer(void);
TF_Buffer* TF_NewBufferFromString(const void* proto, size_t length);
void TF_DeleteBuffer(TF_Buffer* buffer);

// Saved models
TF_SessionOptions* TF_NewSessionOptions(void);
void TF_DeleteSessionOptions(TF_SessionOptions* options);
TF_Graph* TF_NewGraph(void);
void TF_DeleteGraph(TF_Graph* graph);
TF_Operation* TF_GraphOperationByName(TF_Graph* graph, const char* name);
TF_Session* TF_LoadSessionFromSavedModel(const TF_SessionOptions* options,
                                         const TF_Buffer* run_options, const char* folder,
                                         const char* const* tags, int num_tags, TF_Graph* graph,
                                         TF_Buffer* meta_graph_def, TF_Status* status);
void TF_SessionRun(TF_Session* session, const TF_Buffer* run_options, const TF_Output* inputs,
                   TF_Tensor* const* input_values, int num_inputs, const TF_Output* outputs,
                   TF_Tensor** output_values, int num_outputs, const TF_Operation* const* targets,
                   int num_targets, TF_Buffer* run_metadata, TF_Status* status);
void TF_DeleteSession(TF_Session* session, TF_Status* status);

// Eager execution
TFE_ContextOptions* TFE_NewContextOptions(void);
void TFE_DeleteContextOptions(TFE_ContextOptions* options);
TFE_Context* TFE_NewContext(const TFE_ContextOptions* options, TF_Status* status);
void TFE_DeleteContext(TFE_Context* context);
TF_DeviceList* TFE_ContextListDevices(TFE_Context* context, TF_Status* status);
void TF_DeleteDeviceList(TF_DeviceList* list);
int TF_DeviceListCount(const TF_DeviceList* list);
const char* TF_DeviceListName(const TF_DeviceList* list, int index, TF_Status* status);
const char* TF_DeviceListType(const TF_DeviceList* list, int index, TF_Status* status);
TFE_TensorHandle* TFE_NewTensorHandle(const TF_Tensor* tensor, TF_Status* status);
void TFE_DeleteTensorHandle(TFE_TensorHandle* handle);
TF_DataType TFE_TensorHandleDataType(TFE_TensorHandle* handle);
int TFE_TensorHandleNumDims(TFE_TensorHandle* handle, TF_Status* status);
int64_t TFE_TensorHandleDim(TFE_TensorHandle* handle, int index, TF_Status* status);
TF_Tensor* TFE_TensorHandleResolve(TFE_TensorHandle* handle, TF_Status* status);
TFE_TensorHandle* TFE_TensorHandleCopyToDevice(TFE_TensorHandle* handle, TFE_Context* context,
                                               const char* device, TF_Status* status);
TFE_Op* TFE_NewOp(TFE_Context* context, const char* name, TF_Status* status);
void TFE_DeleteOp(TFE_Op* op);
void TFE_OpAddInput(TFE_Op* op, TFE_TensorHandle* input, TF_Status* status);
void TFE_OpSetAttrString(TFE_Op* op, const char* name, const void* value, size_t length);
void TFE_OpSetAttrInt(TFE_Op* op, const char* name, int64_t value);
void TFE_OpSetAttrFloat(TFE_Op* op, const char* name, float value);
void TFE_OpSetAttrBool(TFE_Op* op, const char* name, unsigned char value);
void TFE_OpSetAttrType(TFE_Op* op, const char* name, TF_DataType value);
void TFE_OpSetAttrShape(TFE_Op* op, const char* name, const int64_t* dims, const int num_dims,
                        TF_Status* status);
void TFE_OpSetAttrIntList(TFE_Op* op, const char* name, const int64_t* values, int count);
void TFE_OpSetAttrFloatList(TFE_Op* op, const char* name, const float* values, int count);
void TFE_OpSetAttrBoolList(TFE_Op* op, const char* name, const unsigned char* values, int count);
void TFE_Execute(TFE_Op* op, TFE_TensorHandle** results, int* num_results, TF_Status* status);

// New ops
TF_OpDefinitionBuilder* TF_NewOpDefinitionBuilder(const char* name);
void TF_RegisterOpDefinition(TF_OpDefinitionBuilder* builder, TF_Status* status);
void TF_OpDefinitionBuilderAddAttr(TF_OpDefinitionBuilder* builder, const char* spec);
void TF_OpDefinitionBuilderAddInput(TF_OpDefinitionBuilder* builder, const char* spec);
void TF_OpDefinitionBuilderAddOutput(TF_OpDefinitionBuilder* builder, const char* spec);
void TF_OpDefinitionBuilderSetShapeInferenceFunction(
    TF_OpDefinitionBuilder* builder,
    void (*function)(TF_ShapeInferenceContext* context, TF_Status* status));
TF_ShapeHandle* TF_NewShapeHandle();
void TF_DeleteShapeHandle(TF_ShapeHandle* handle);
void TF_ShapeInferenceContextGetInput(TF_ShapeInferenceContext* context, int index,
                                      TF_ShapeHandle* handle, TF_Status* status);
void TF_ShapeInferenceContextSetOutput(TF_ShapeInferenceContext* context, int index,
                                       TF_ShapeHandle* handle, TF_Status* status);

// Their kernels
TF_KernelBuilder* TF_NewKernelBuilder(const char* op, const char* device,
                                      void* (*create)(TF_OpKernelConstruction*),
                                      void (*compute)(void*, TF_OpKernelContext*),
                                      void (*destroy)(void*));
void TF_KernelBuilder_TypeConstraint(TF_KernelBuilder* builder, const char* attr, TF_DataType type,
                                     TF_Status* status);
void TF_RegisterKernelBuilder(const char* name, TF_KernelBuilder* builder, TF_Status* status);
void TF_OpKernelConstruction_GetAttrFloat(TF_OpKernelConstruction* construction, const char* attr,
                                          float* value, TF_Status* status);
void TF_OpKernelConstruction_GetAttrInt64(TF_OpKernelConstruction* construction, const char* attr,
                                          int64_t* value, TF_Status* status);
void TF_OpKernelConstruction_GetAttrBool(TF_OpKernelConstruction* construction, const char* attr,
                                         unsigned char* value, TF_Status* status);
void TF_OpKernelConstruction_Failure(TF_OpKernelConstruction* construction, TF_Status* status);
void TF_OpKernelContext_Failure(TF_OpKernelContext* context, TF_Status* status);
void TF_GetInput(TF_OpKernelContext* context, int index, TF_Tensor** tensor, TF_Status* status);
void TF_SetOutput(TF_OpKernelContext* context, int index, const TF_Tensor* tensor,
                  TF_Status* status);
TF_Tensor* TF_AllocateOutput(TF_OpKernelContext* context, int index, TF_DataType type,
                             const int64_t* dims, int num_dims, size_t length, TF_Status* status);

#ifdef __cplusplus
}
#endif

#ifndef EMU_CHECK_C_API
// In the real headers these are inline functions with the same effect.
#define TF_TString_Init TF_StringInit
#define TF_TString_Copy TF_StringCopy
#define TF_TString_Dealloc TF_StringDealloc
#define TF_TString_GetDataPointer TF_StringGetDataPointer
#define TF_TString_GetSize TF_StringGetSize
#endif

#endif  // EMU_KERNELS_TENSORFLOW_C_API_H_
